//go:build linux

package provision_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/raiz-dns/raiz/provision/invoke"
)

// Programs for servers, as tests have them: the real one, and the one that
// stands still where the sweep wants it to.
const (
	realHelper     = "../cmd/raiz-helper"
	steppingHelper = "./testdata/stepping"
)

// built are the programs that this process has built, by their source.
var built sync.Map

// helpersOf builds a program for servers, once in a process.
func helpersOf(source string) (invoke.Images, error) {
	build, _ := built.LoadOrStore(source, sync.OnceValues(func() (invoke.Images, error) {
		dir, err := os.MkdirTemp("", "raiz-helper-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		program := filepath.Join(dir, "raiz-helper")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", program, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", source, err, out)
		}
		text, err := os.ReadFile(program)
		if err != nil {
			return nil, err
		}
		return invoke.Images{runtime.GOARCH: invoke.NewImage(pack(text), text)}, nil
	}))
	return build.(func() (invoke.Images, error))()
}

func pack(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
