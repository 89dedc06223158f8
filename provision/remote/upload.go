package remote

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pkg/sftp"
)

// Upload writes data to a new file that only the login user can read. It
// refuses a path that exists; when it fails it removes what it made.
func (c *Conn) Upload(ctx context.Context, path string, data []byte) (err error) {
	c.stats.uploads.Add(1)
	stop := context.AfterFunc(ctx, func() { _ = c.client.Close() })
	defer stop()
	client, err := sftp.NewClient(c.client, sftp.UseConcurrentWrites(true))
	if err != nil {
		return fmt.Errorf("open sftp: %w", err)
	}
	defer client.Close()
	f, err := client.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("create %s on server: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, client.Remove(path))
		}
	}()
	// The mode is set while the file is still empty.
	if err := f.Chmod(0o600); err != nil {
		return fmt.Errorf("chmod %s on server: %w", path, errors.Join(err, f.Close()))
	}
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s on server: %w", path, errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s on server: %w", path, err)
	}
	return nil
}
