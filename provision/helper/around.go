package helper

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// Where others leave what is told of them.
const (
	passwdFile = "/etc/passwd"
	rebootFile = "/run/reboot-required" // of Debian's packages
)

// around looks at what is on a server beside what raiz puts there. What cannot be
// looked at is a problem of its part alone.
func (h *Helper) around(q server.AroundQuestion, problem func(part string, err error)) *server.Around {
	a := &server.Around{}
	var err error
	if a.Sockets, err = h.os.Sockets(); len(a.Sockets) > server.MaxSockets {
		a.Sockets = a.Sockets[:server.MaxSockets]
	}
	problem(server.PartSockets, err)
	if a.Failed, err = h.os.Failed(); len(a.Failed) > server.MaxFailed {
		a.Failed = a.Failed[:server.MaxFailed]
	}
	problem(server.PartFailed, err)
	for _, p := range q.Disks {
		d, err := h.os.Disk(p)
		problem(server.PartDisks, err)
		if err == nil {
			a.Disks = append(a.Disks, d)
		}
	}
	accounts, err := h.accounts()
	problem(server.PartAccounts, err)
	for _, x := range accounts {
		if x.id == 0 {
			a.Roots = append(a.Roots, server.Told(x.name))
		}
	}
	for _, user := range q.Users {
		keys, err := h.keysOf(user, accounts)
		a.Keys = append(a.Keys, keys...)
		problem(server.PartKeys, err)
	}
	if len(a.Keys) > server.MaxKeys {
		a.Keys = a.Keys[:server.MaxKeys]
	}
	a.Reboot, a.Packages, err = h.reboot()
	problem(server.PartReboot, err)
	return a
}

// account is a line of passwd(5).
type account struct {
	name, home string
	id         int
}

func (h *Helper) accounts() ([]account, error) {
	text, err := h.os.Read(passwdFile)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", passwdFile, err)
	}
	var out []account
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 7 {
			continue
		}
		if id, err := strconv.Atoi(f[2]); err == nil {
			out = append(out, account{name: f[0], home: f[5], id: id})
		}
	}
	return out, nil
}

// keysOf are the keys that may log in as somebody, where sshd looks by itself
// (AuthorizedKeysFile in sshd_config(5)).
func (h *Helper) keysOf(user string, all []account) ([]server.Key, error) {
	i := slices.IndexFunc(all, func(a account) bool { return a.name == user })
	if i < 0 {
		return nil, fmt.Errorf("there is no account %s", user)
	}
	var out []server.Key
	for _, name := range []string{"authorized_keys", "authorized_keys2"} {
		file := path.Join(all[i].home, ".ssh", name)
		text, err := h.os.Read(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("read %s: %w", file, err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				out = append(out, keyOf(user, line))
			}
		}
	}
	return out, nil
}

// keyOf reads a line of authorized_keys (sshd(8)): options, type, key, comment. A
// line that has no key is told as it stands: sshd may read it otherwise.
func keyOf(user, line string) server.Key {
	fields := strings.Fields(line)
	for i := 1; i < len(fields); i++ {
		blob, err := base64.StdEncoding.DecodeString(fields[i])
		if err != nil || len(blob) < 4 {
			continue
		}
		n := int(binary.BigEndian.Uint32(blob))
		if n > len(blob)-4 || !bytes.Equal(blob[4:4+n], []byte(fields[i-1])) {
			continue
		}
		sum := sha256.Sum256(blob)
		k := server.Key{User: user, Fingerprint: "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), Comment: shorter(strings.Join(fields[i+1:], " "))}
		if strings.Contains(strings.Join(fields[:i-1], " "), "cert-authority") {
			k.Fingerprint = "CA " + k.Fingerprint
		}
		return k
	}
	return server.Key{User: user, Fingerprint: shorter(line)}
}

// shorter is a text of others as it may be told.
func shorter(s string) string {
	const limit = 120
	return server.Told(strings.ToValidUTF8(s[:min(len(s), limit)], ""))
}

// reboot reports whether a package waits for one, and which.
func (h *Helper) reboot() (waits bool, packages []string, err error) {
	if _, err := h.os.Look(rebootFile); errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	} else if err != nil {
		return false, nil, err
	}
	text, err := h.os.Read(rebootFile + ".pkgs")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, nil, err
	}
	for line := range strings.Lines(string(text)) {
		if p := shorter(strings.TrimSpace(line)); p != "" && !slices.Contains(packages, p) && len(packages) < 100 {
			packages = append(packages, p)
		}
	}
	return true, packages, nil
}
