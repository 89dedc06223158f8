package helper

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// A key as ssh-keygen makes it, and what `ssh-keygen -lf` says of it.
const (
	aKey     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEptT7hVSkWPxvuJd2wVmTXvUn2YFkHVHYsNGGNB4Zq2"
	ofTheKey = "SHA256:"
)

func TestKeyOf(t *testing.T) {
	plain := keyOf("root", aKey+" noc@example.net")
	if plain.Comment != "noc@example.net" || len(plain.Fingerprint) != len(ofTheKey)+43 {
		t.Errorf("%+v", plain)
	}
	for line, want := range map[string]server.Key{
		`command="echo a b",no-pty ` + aKey:     {User: "root", Fingerprint: plain.Fingerprint},
		"cert-authority " + aKey + " our CA":    {User: "root", Fingerprint: "CA " + plain.Fingerprint, Comment: "our CA"},
		"ssh-ed25519 notakey":                   {User: "root", Fingerprint: "ssh-ed25519 notakey"},
		"ssh-rsa " + aKey[len("ssh-ed25519 "):]: {User: "root", Fingerprint: "ssh-rsa " + aKey[len("ssh-ed25519 "):]},
		aKey + " \x1b[2Jevil":                   {User: "root", Fingerprint: plain.Fingerprint, Comment: "?[2Jevil"},
	} {
		if diff := cmp.Diff(want, keyOf("root", line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
}

func TestAround(t *testing.T) {
	r := &rig{files: map[string]string{
		"/etc/passwd":                 "root:x:0:0:root:/root:/bin/bash\nbird:x:101:101::/run/bird:/usr/sbin/nologin\ntoor:x:0:0::/root:/bin/sh\nbroken\nnot:x:a:0::/:/\n",
		"/root/.ssh/authorized_keys":  "# a comment\n\n" + aKey + " one\n",
		"/root/.ssh/authorized_keys2": aKey + " two\n",
		"/run/reboot-required":        "*** System restart required ***\n",
		"/run/reboot-required.pkgs":   "linux-base\nlibc6\nlinux-base\n",
	}}
	problems := map[string]string{}
	problem := func(part string, err error) {
		if err != nil {
			problems[part] = err.Error()
		}
	}
	a := r.helper().around(server.AroundQuestion{Users: []string{"root", "nobody-here"}}, problem)
	if diff := cmp.Diff([]string{"root", "toor"}, a.Roots); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	if len(a.Keys) != 2 || a.Keys[0].Comment != "one" || a.Keys[1].Comment != "two" {
		t.Errorf("keys: %+v", a.Keys)
	}
	if !a.Reboot || !cmp.Equal(a.Packages, []string{"linux-base", "libc6"}) {
		t.Errorf("reboot: %t, %v", a.Reboot, a.Packages)
	}
	if len(problems) != 1 || problems[server.PartKeys] != "there is no account nobody-here" {
		t.Errorf("problems: %v", problems)
	}
	r.broken = "read /etc/passwd"
	clear(problems)
	if a := r.helper().around(server.AroundQuestion{}, problem); len(a.Roots) != 0 || problems[server.PartAccounts] == "" {
		t.Errorf("without accounts: %v, %v", a.Roots, problems)
	}
}

// Surroundings of the rig are empty.
func (r *rig) Sockets() ([]server.Socket, error) { return nil, nil }
func (r *rig) Failed() ([]string, error)         { return nil, nil }
func (r *rig) Disk(string) (server.Disk, error)  { return server.Disk{}, errors.Join(fs.ErrNotExist) }
