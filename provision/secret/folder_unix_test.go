//go:build unix

package secret_test

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/secret"
)

// A FIFO in the place of a folder is no folder; to open it would hang.
func TestFolderListsNoFIFO(t *testing.T) {
	dir := t.TempDir()
	fifo(t, filepath.Join(dir, "fifo"))
	folder, err := secret.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	said := make(chan error, 1)
	go func() {
		_, err := fs.ReadDir(folder, "fifo")
		said <- err
	}()
	select {
	case err := <-said:
		if err == nil || !strings.Contains(err.Error(), "not a folder") {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it hangs")
	}
}
