package state

import (
	"crypto/sha256"
	"io/fs"
	"slices"
)

// Value says how a thing is. There are exactly three: Attr, File, Service.
type Value interface {
	// Equal compares what matters of both values. Values of different
	// types are never equal.
	Equal(Value) bool
	sealed()
}

// Attr is a list of strings whose order matters, such as the addresses of a
// BMC in their normalised form. An empty list means "none", which is a value;
// an absent thing has no Value at all.
type Attr struct{ Values []string }

// Text returns an Attr with one value.
func Text(s string) Attr { return Attr{Values: []string{s}} }

// Equal implements Value.
func (a Attr) Equal(v Value) bool {
	b, ok := v.(Attr)
	return ok && slices.Equal(a.Values, b.Values)
}

func (Attr) sealed() {}

// File is a regular file. Two files are equal when mode, owner, group and the
// SHA-256 of their bytes are.
type File struct {
	Mode  fs.FileMode // permission bits only
	Owner string
	Group string
	Sum   [sha256.Size]byte
	// Data holds the bytes. It may be nil for an observed file: equal files
	// are not fetched, and neither is one that holds a secret.
	Data []byte
	// Secret marks a file whose bytes and whose Sum must not be shown: a
	// short password can be guessed from a digest.
	Secret bool
	// Token changes whenever an observed file does (inode, size, time of
	// change). It stands for the Sum of a secret file where one would leak.
	Token string
}

// NewFile returns a wanted file with its Sum.
func NewFile(mode fs.FileMode, owner, group string, data []byte, secret Secrecy) File {
	return File{Mode: mode.Perm(), Owner: owner, Group: group, Sum: sha256.Sum256(data), Data: data, Secret: bool(secret)}
}

// Secrecy says whether a file holds a secret.
type Secrecy bool

const (
	// Public files may be shown.
	Public Secrecy = false
	// Confidential files may be shown to nobody.
	Confidential Secrecy = true
)

// Equal implements Value.
func (f File) Equal(v Value) bool {
	g, ok := v.(File)
	return ok && f.Mode == g.Mode && f.Owner == g.Owner && f.Group == g.Group && f.Sum == g.Sum
}

func (File) sealed() {}

// Service is the state of a systemd unit.
type Service struct {
	Enabled bool // started at boot
	Active  bool // running now; for a oneshot, done successfully
}

// Equal implements Value.
func (s Service) Equal(v Value) bool {
	t, ok := v.(Service)
	return ok && s == t
}

func (Service) sealed() {}
