package main

import (
	"cmp"
	"crypto/rand"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/raiz-dns/raiz/provision/bmc"
)

// maxLinkFiles bounds the folder: a file is left behind by every controller
// that has got another certificate.
const maxLinkFiles = 1024

// linkFiles is a bmc.LinkCache with one file a controller, so that two runs at
// once lose nothing. Any file may be lost at any time: every error here costs
// requests only, and none is worth telling.
type linkFiles struct {
	dir string
	key []byte
}

// newLinkFiles keeps the files where caches are kept. The key lies where the
// operator file does: who can put files into a cache, as CI does for the runs
// of strangers, must not be able to seal them.
func newLinkFiles() *linkFiles {
	cache, err := os.UserCacheDir()
	if err != nil {
		return &linkFiles{}
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return &linkFiles{}
	}
	return openLinkFiles(filepath.Join(cache, "raiz", "bmc"), filepath.Join(config, "raiz", "links.key"))
}

func openLinkFiles(dir, key string) *linkFiles { return &linkFiles{dir: dir, key: linkKey(key)} }

// linkKeySize is in bytes; RFC 2104 wants no less than the hash gives.
const linkKeySize = 32

// linkKey reads the key, and makes it the first time. One that is half written,
// by a run beside this one, is none yet.
func linkKey(path string) []byte {
	fresh := make([]byte, linkKeySize)
	_, _ = rand.Read(fresh) // never fails (Go 1.24)
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
			_, _ = f.Write(fresh)
			_ = f.Close()
		}
	}
	if key := readSmall(path, linkKeySize); len(key) == linkKeySize {
		return key
	}
	return nil
}

// readSmall reads a regular file of at most limit bytes, or returns nil.
func readSmall(path string, limit int64) []byte {
	if st, err := os.Lstat(path); err != nil || !st.Mode().IsRegular() || st.Size() > limit {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil
	}
	return data
}

// Key implements bmc.LinkCache.
func (l *linkFiles) Key() []byte { return l.key }

// Load implements bmc.LinkCache.
func (l *linkFiles) Load(name string) []byte {
	if l.dir == "" {
		return nil
	}
	return readSmall(filepath.Join(l.dir, name), bmc.MaxLinks)
}

// Store implements bmc.LinkCache.
func (l *linkFiles) Store(name string, entry []byte) {
	if l.dir == "" || os.MkdirAll(l.dir, 0o700) != nil {
		return
	}
	_ = replaceFile(filepath.Join(l.dir, name), entry, 0o600) // lost is lost
	l.prune()
}

// prune removes the files that were written longest ago.
func (l *linkFiles) prune() {
	files, err := os.ReadDir(l.dir)
	if err != nil || len(files) <= maxLinkFiles {
		return
	}
	age := func(e fs.DirEntry) int64 {
		st, err := e.Info()
		if err != nil {
			return 0
		}
		return st.ModTime().UnixNano()
	}
	slices.SortFunc(files, func(a, b fs.DirEntry) int { return cmp.Compare(age(a), age(b)) })
	for _, f := range files[:len(files)-maxLinkFiles] {
		_ = os.Remove(filepath.Join(l.dir, f.Name()))
	}
}
