package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
)

// maxLinks bounds the link file in bytes; a larger one is not ours.
const maxLinks = 8 << 20

// linkFile remembers where controllers keep things, so that a later run asks
// less. It may be lost at any time: every error here costs requests only, and
// none is worth telling.
type linkFile struct {
	mu   sync.Mutex
	path string
	all  map[string]map[string]string
}

func newLinkFile() *linkFile {
	dir, err := os.UserCacheDir()
	if err != nil {
		return &linkFile{all: map[string]map[string]string{}}
	}
	return openLinkFile(filepath.Join(dir, "raiz", "bmc-links.json"))
}

func openLinkFile(path string) *linkFile {
	l := &linkFile{path: path, all: map[string]map[string]string{}}
	st, err := os.Stat(path)
	if err != nil || st.Size() > maxLinks {
		return l
	}
	if data, err := os.ReadFile(path); err == nil {
		if json.Unmarshal(data, &l.all) != nil || l.all == nil {
			l.all = map[string]map[string]string{}
		}
	}
	return l
}

// Load implements bmc.LinkCache.
func (l *linkFile) Load(key string) (map[string]string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	links, ok := l.all[key]
	return links, ok
}

// Store implements bmc.LinkCache.
func (l *linkFile) Store(key string, links map[string]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[key] = links
	data, err := json.Marshal(l.all)
	if err != nil || l.path == "" || os.MkdirAll(filepath.Dir(l.path), 0o700) != nil {
		return
	}
	_ = replaceFile(l.path, data, 0o600) // lost is lost
}
