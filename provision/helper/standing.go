package helper

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/raiz-dns/raiz/provision/server"
)

// standing is what stands at a path.
type standing struct {
	server.Kind
	Info
	Sum  string // SHA-256 in hex, of a file
	Data []byte
}

// secrecy says whether the bytes at a path may be known to others.
type secrecy bool

// stands looks at a path. That it cannot look is an answer as well.
func (h *Helper) stands(path string) (standing, error) {
	info, err := h.os.Look(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return standing{Kind: server.IsAbsent}, nil
	case err != nil:
		return standing{Kind: server.IsDenied}, fmt.Errorf("look at %s: %w", path, err)
	case info.Kind != server.IsFile:
		return standing{Kind: info.Kind, Info: info}, nil
	}
	data, err := h.os.Read(path)
	if err != nil {
		return standing{Kind: server.IsDenied}, fmt.Errorf("read %s: %w", path, err)
	}
	return standing{Kind: server.IsFile, Info: info, Sum: sumOf(data), Data: data}, nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// keyed is the sum of a secret, which tells nothing to who has not the key.
func keyed(key, data []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return hex.EncodeToString(mac.Sum(nil))
}

// bits are the mode as chmod(1) takes it.
func (s standing) bits() uint32 {
	mode := uint32(s.Mode.Perm())
	if s.Special {
		mode |= 0o7000
	}
	return mode
}

// word stands for all of it, in what was reviewed. It tells nothing of the
// bytes of a secret file, and changes with them.
func (s standing) word(is secrecy) string {
	switch s.Kind {
	case server.IsFile:
		bytes := s.Sum
		if is {
			bytes = "at " + s.Stamp
		}
		return fmt.Sprintf("file %04o %s %s %s", s.bits(), s.Owner, s.Group, bytes)
	case server.IsLink:
		return "link " + sumOf([]byte(s.Link))
	}
	return string(s.Kind)
}

// is reports whether it is what a manifest wants.
func (s standing) is(f server.File) bool {
	return s.Kind == server.IsFile && s.Sum == f.Sum && s.bits() == f.Mode && s.Owner == f.Owner && s.Group == f.Group
}
