package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// step is a folder, a link or the file itself on the way to a file: its folder
// is without links.
type step struct {
	at   string
	info fs.FileInfo
}

// maxSteps bounds a way; links that lead in a circle have no end.
const maxSteps = 1000

// wayTo is every step from the root folder to a file, through the links as
// they lie. It ends early, with fs.ErrNotExist, where something is not there.
func wayTo(name string) ([]step, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	const sep = string(filepath.Separator)
	root := filepath.VolumeName(name) + sep
	at, todo := root, strings.Split(strings.TrimPrefix(name, root), sep)
	var way []step
	look := func(at string) (fs.FileInfo, error) {
		st, err := os.Lstat(at)
		if err == nil {
			way = append(way, step{at, st})
		}
		return st, err
	}
	if _, err := look(at); err != nil {
		return way, err
	}
	for len(todo) > 0 {
		next := filepath.Join(at, todo[0])
		if todo = todo[1:]; next == at {
			continue
		}
		st, err := look(next)
		if err != nil {
			return way, err
		}
		if len(way) > maxSteps {
			return way, errors.New("too many links")
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		to, err := os.Readlink(next)
		if err != nil {
			return way, err
		}
		if filepath.IsAbs(to) {
			root = filepath.VolumeName(to) + sep
			at, to = root, strings.TrimPrefix(to, root)
		}
		todo = append(strings.Split(filepath.ToSlash(to), "/"), todo...)
	}
	return way, nil
}

// ours refuses a way on which somebody else than root and the caller can put
// another file in the place of the one at its end, as sshd does with
// authorized_keys. A sticky folder lets nobody rename what is another's, but
// the folder of the file itself has to be ours whole.
func ours(way []step, real string) error {
	if runtime.GOOS == "windows" {
		return nil // it has no such modes
	}
	for _, s := range way {
		if uid, known := ownerOf(s.info); known && uid != 0 && uid != os.Geteuid() {
			return fmt.Errorf("%s is of another user (%d), who can change it: make it yours with chown, or keep the file elsewhere and name it with --operator", s.at, uid)
		}
		mode := s.info.Mode()
		switch {
		case mode&fs.ModeSymlink != 0 || mode.Perm()&0o022 == 0:
			// The mode of a link means nothing.
		case !mode.IsDir():
			return fmt.Errorf("its mode is %04o, so others can write it: chmod go-w %s", mode.Perm(), s.at)
		case s.at == filepath.Dir(real) && mode&fs.ModeSticky != 0:
			return fmt.Errorf("it is in %s, where others can write: keep it in a folder of your own, and name it with --operator", s.at)
		case mode&fs.ModeSticky == 0:
			return fmt.Errorf("the mode of the folder %s is %04o, so others can put another file in its place: chmod go-w %s, or keep the file elsewhere and name it with --operator", s.at, mode.Perm(), s.at)
		}
	}
	return nil
}
