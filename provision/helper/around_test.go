package helper

import (
	"io/fs"
	"strings"
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

// Each part of what is around has its own problem, and takes nothing from the
// others: who has no keys has no problem, nor has a server that waits for nothing.
func TestAroundThatCannotBeSeen(t *testing.T) {
	const keys, reboot = "/home/a/.ssh/authorized_keys", "/run/reboot-required"
	ask := server.AroundQuestion{Users: []string{"a"}, Disks: []string{"/", "/srv"}}
	for _, tt := range []struct {
		broken, part string
		keys, disks  int
		reboot       bool
	}{
		{broken: "", keys: 1, disks: 2, reboot: true},
		{broken: "sockets", part: server.PartSockets, keys: 1, disks: 2, reboot: true},
		{broken: "failed", part: server.PartFailed, keys: 1, disks: 2, reboot: true},
		{broken: "disk /srv", part: server.PartDisks, keys: 1, disks: 1, reboot: true},
		{broken: "read " + keys, part: server.PartKeys, disks: 2, reboot: true},
		{broken: "read " + keys + "2", part: server.PartKeys, keys: 1, disks: 2, reboot: true},
		{broken: "look at " + reboot, part: server.PartReboot, keys: 1, disks: 2},
		{broken: "read " + reboot + ".pkgs", part: server.PartReboot, keys: 1, disks: 2, reboot: true},
	} {
		r := past()
		r.files["/etc/passwd"] = "a:x:7:7::/home/a:/bin/sh\n"
		r.files[keys], r.files[reboot], r.broken = aKey, "", tt.broken
		f, err := r.helper().probe(server.ProbeRequest{Around: &ask})
		if err != nil || f.Around == nil {
			t.Fatalf("%s: %+v, %v", tt.broken, f, err)
		}
		if a := f.Around; len(a.Keys) != tt.keys || len(a.Disks) != tt.disks || a.Reboot != tt.reboot {
			t.Errorf("%s: %+v", tt.broken, a)
		}
		if (f.Problems[tt.part] == "") != (tt.part == "") || len(f.Problems) > 1 {
			t.Errorf("%s: problems %v, want one of %q", tt.broken, f.Problems, tt.part)
		}
	}
	bare := past()
	bare.files["/etc/passwd"] = "a:x:7:7::/home/a:/bin/sh\n"
	f, err := bare.helper().probe(server.ProbeRequest{Around: &ask})
	if err != nil || len(f.Around.Keys) > 0 || f.Around.Reboot || len(f.Problems) > 0 {
		t.Errorf("without any: %+v, %v, %v", f.Around, f.Problems, err)
	}
	if f, err := bare.helper().probe(server.ProbeRequest{}); err != nil || f.Around != nil {
		t.Errorf("nobody has asked: %+v, %v", f.Around, err)
	}
}

// What others have is told as far as it may be: a server that has more of it is
// still looked at.
func TestAroundIsBounded(t *testing.T) {
	r := &rig{
		files: map[string]string{
			"/etc/passwd":                "root:x:0:0::/root:/bin/sh\n",
			"/root/.ssh/authorized_keys": strings.Repeat(aKey+"\n", server.MaxKeys+1),
		},
		sockets: make([]server.Socket, server.MaxSockets+1), failed: make([]string, server.MaxFailed+1),
	}
	a := r.helper().around(server.AroundQuestion{Users: []string{"root"}}, func(part string, err error) {
		if err != nil {
			t.Errorf("%s: %v", part, err)
		}
	})
	if len(a.Sockets) != server.MaxSockets || len(a.Failed) != server.MaxFailed || len(a.Keys) != server.MaxKeys {
		t.Errorf("told are %d sockets, %d units, %d keys", len(a.Sockets), len(a.Failed), len(a.Keys))
	}
}

// looks is an error for what is broken.
func (r *rig) looks(what string) error {
	if r.broken == what {
		return fs.ErrPermission
	}
	return nil
}

func (r *rig) Sockets() ([]server.Socket, error) { return r.sockets, r.looks("sockets") }
func (r *rig) Failed() ([]string, error)         { return r.failed, r.looks("failed") }

func (r *rig) Disk(p string) (server.Disk, error) {
	return server.Disk{Path: p}, r.looks("disk " + p)
}
