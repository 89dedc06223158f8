package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pkg/sftp"
)

// uploadGrace is how long a cancelled upload may take to remove what it has
// made: a few round trips of a bad link.
const uploadGrace = 5 * time.Second

// An upload takes no longer than this, and the time for its bytes on the slowest
// link, in bytes a second: a server may take them one by one, and be alive.
const (
	uploadTime = 2 * time.Minute
	slowest    = 4 << 10
)

// openTime is how long an SFTP server may take to say that it is one.
const openTime = 30 * time.Second

// ErrNoSFTP says that what answers is no SFTP server, as where the login's shell
// prints something first. Nothing was written.
var ErrNoSFTP = errors.New("no SFTP server answers")

// Upload writes data to a new file that only the login user can read. It
// refuses a path that exists; when it fails or ctx ends it removes what it
// made. Only a connection that has broken leaves a part behind. The
// connection is closed when it does not even answer that.
func (c *Conn) Upload(ctx context.Context, path string, data []byte) error {
	c.stats.uploads.Add(1)
	limit := uploadTime + time.Duration(len(data)/slowest)*time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %s", limit))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.put(ctx, path, data) }()
	select {
	case err := <-done:
		return c.cause(err)
	case <-ctx.Done():
	}
	timer := time.NewTimer(uploadGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		_ = c.client.Close()
	}
	return fmt.Errorf("upload %s: %w", path, context.Cause(ctx))
}

func (c *Conn) put(ctx context.Context, path string, data []byte) (err error) {
	client, session, err := openSFTP(c.client)
	if err != nil {
		return fmt.Errorf("open sftp: %w", err)
	}
	defer session.Close()
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
	// Nothing has been written yet.
	if err := onlyOurs(f); err != nil {
		return fmt.Errorf("create %s on server: %w", path, errors.Join(err, f.Close()))
	}
	if _, err := f.ReadFrom(&cancelled{ctx, bytes.NewReader(data)}); err != nil {
		return fmt.Errorf("write %s on server: %w", path, errors.Join(err, f.Close()))
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s on server: %w", path, err)
	}
	return nil
}

// onlyOurs refuses a file that others may open: not every SFTP server takes
// the permissions that it is asked for.
func onlyOurs(f *sftp.File) error {
	st, err := f.Stat()
	if err == nil && st.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("the SFTP server made it with mode %04o, so that others could read it; raiz needs one that takes a mode, such as OpenSSH's", st.Mode().Perm())
	}
	return err
}

// cancelled ends with its context. It tells how much is left, which makes the
// upload write ahead of the answers.
type cancelled struct {
	ctx  context.Context
	data *bytes.Reader
}

// Read implements io.Reader.
func (c *cancelled) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	return c.data.Read(p)
}

// Len is what sftp.File.ReadFrom looks at.
func (c *cancelled) Len() int { return c.data.Len() }
