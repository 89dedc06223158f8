// Package invoke has raiz-helper answer requests on a server: one exec each over
// a connection that there is. A server that has not the helper yet, or has
// another one, gets it first.
//
// Start reading at Helper.Call.
package invoke

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
)

// Conn is a connection to a server; *remote.Conn is one.
type Conn interface {
	Run(context.Context, remote.Script) (remote.Result, error)
	Upload(ctx context.Context, path string, data []byte) error
}

// Image is a helper for one architecture, as it is sent.
type Image struct {
	Packed []byte // gzip
	Sum    string // SHA-256 of the program in hex
}

// Images are helpers by architecture, as Go names it.
type Images map[string]Image

// Sum names all of them: another program of any architecture is another name. Of
// none it is "".
func (i Images) Sum() string {
	if len(i) == 0 {
		return ""
	}
	all := sha256.New()
	for _, arch := range slices.Sorted(maps.Keys(i)) {
		fmt.Fprintln(all, arch, i[arch].Sum)
	}
	return hex.EncodeToString(all.Sum(nil)[:6])
}

// machines are what uname(1) says on an architecture.
func machines() map[string]string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}
}

// Dir is where helpers are on a server, each in a directory named by its sum.
const Dir = "/usr/local/lib/raiz"

// Program is the path of a helper on a server.
func (i Image) Program() string { return Dir + "/" + i.Sum + "/raiz-helper" }

// Helper is the helper of one server.
type Helper struct {
	Conn   Conn
	Images Images
	Who    string // recorded with every change
	Keep   int    // generations kept; 0 for the helper's own number
	// Noise hears what the login printed before the helper said anything; nil
	// hears nothing of it.
	Noise func([]byte)
}

// ErrNoImage says that this raiz was built without the helper that is needed.
var ErrNoImage = errors.New("this raiz was built without the program that it needs on the server: build it with make raiz, or take a released one")

// ErrInstall says that the helper is not on the server and cannot be put there.
var ErrInstall = errors.New("cannot put raiz-helper on the server")

// Exit codes of the command line that nothing else uses.
const (
	exitNoExec  = 96 // it is there, and nothing there may be run; the mount is on stderr
	exitAbsent  = 97 // the helper is not there, or is not the one that is meant; its sum is on stdout
	exitMachine = 98 // there is no helper for this machine
	exitInstall = 99 // it was sent and could not be put in place
)

// Call has one request answered. An error means that the answer was not heard:
// what was heard of it is in the reply, and what was done since is not known,
// except with ErrNoImage and ErrInstall, which come before.
func (h Helper) Call(ctx context.Context, r server.Request) (server.Reply, error) {
	if len(h.Images) == 0 {
		return server.Reply{}, ErrNoImage
	}
	r.Who, r.Keep = h.Who, h.Keep
	text, err := r.Encode()
	if err != nil {
		return server.Reply{}, fmt.Errorf("ask the server to %s: %w", r.Verb, err)
	}
	s := remote.Script{Command: h.command(), Text: string(text), Root: true}
	s.Deadline, s.Silence = patience(r)
	result, err := h.Conn.Run(ctx, s)
	if err == nil && result.Code == exitAbsent {
		result, err = h.install(ctx, s, result)
	}
	noise, rest := server.AfterNoise(result.Stdout)
	if len(noise) > 0 && h.Noise != nil {
		h.Noise(noise)
	}
	result.Stdout = rest
	return reply(r, result, err)
}

// silence is how long a server may say nothing while it changes itself before
// a new connection is tried: longer than a bad link loses packets for, shorter
// than a person waits.
const silence = 4 * time.Second

// patience is how long a request may take, and how long the server may be
// silent meanwhile.
func patience(r server.Request) (deadline, silent time.Duration) {
	switch {
	case r.Apply != nil:
		return time.Duration(r.Apply.Seconds)*time.Second + 5*time.Minute, silence
	case r.Rollback != nil:
		return time.Duration(r.Rollback.Seconds)*time.Second + 5*time.Minute, silence
	case r.Verb == server.VerbRevert, r.Verb == server.VerbRelease:
		return 3 * time.Minute, silence
	case r.Verb == server.VerbDrain:
		return 5 * time.Minute, silence
	case r.Verb == server.VerbConfirm:
		return time.Minute, silence
	case r.Verb == server.VerbStatus:
		return 15 * time.Second, silence
	}
	return time.Minute, 0
}

// command checks the helper and runs it, in one line: a program that checks
// itself proves nothing. What cannot be run is not there either.
func (h Helper) command() string {
	return h.pick() + `cd "` + Dir + `/$d" 2>/dev/null && [ -f raiz-helper ] && [ -x raiz-helper ] && echo "$d  raiz-helper" | sha256sum -c --status 2>/dev/null || { echo "$d"; exit ` + fmt.Sprint(exitAbsent) + `; }; exec ./raiz-helper serve`
}

// pick sets $d to the sum of the helper for the machine that it runs on.
func (h Helper) pick() string {
	var b strings.Builder
	b.WriteString("case $(uname -m) in ")
	for _, arch := range slices.Sorted(maps.Keys(h.Images)) {
		if machine, known := machines()[arch]; known {
			fmt.Fprintf(&b, "%s) d=%s;; ", machine, h.Images[arch].Sum)
		}
	}
	fmt.Fprintf(&b, `*) uname -m; exit %d;; esac; `, exitMachine)
	return b.String()
}

// install sends the helper and has it put in place by the same command line
// that then runs it. It is sent as whoever logs in, and is nothing until root
// has copied it and found its sum right. What stands in its place is raiz's own
// place, and gives way.
func (h Helper) install(ctx context.Context, s remote.Script, asked remote.Result) (remote.Result, error) {
	image, ok := h.bySum(asked.Stdout)
	if !ok {
		return asked, fmt.Errorf("%w: the server wants %.80q", ErrInstall, lastLine(asked.Stdout))
	}
	sent := "/tmp/raiz-" + strings.ToLower(rand.Text()) + ".gz"
	if err := h.send(ctx, sent, image.Packed); err != nil {
		return asked, fmt.Errorf("%w: %w", ErrInstall, err)
	}
	s.Command = "d=" + image.Sum + "; f=" + sent + `; umask 022; trap 'rm -f "$f"' EXIT; ` +
		`p=` + Dir + `/$d; { { [ -d "$p" ] || rm -f "$p"; } && mkdir -p "$p" && chmod 755 ` + Dir + ` "$p" && cd "$p" && n=$(mktemp .raiz-helper.XXXXXXXX) && ` +
		`gzip -dc <"$f" >"$n" && echo "$d  $n" | sha256sum -c --status && chmod 755 "$n" && sync "$n" && ` +
		`{ [ -L raiz-helper ] || [ ! -d raiz-helper ] || rm -rf raiz-helper; } && mv -fT "$n" raiz-helper && sync .; } || ` +
		`{ rm -f "$n"; exit ` + fmt.Sprint(exitInstall) + `; }; [ -x raiz-helper ] || { findmnt -n -o TARGET -T . >&2; exit ` + fmt.Sprint(exitNoExec) + `; }; rm -f "$f"; trap - EXIT; exec ./raiz-helper serve`
	return h.Conn.Run(ctx, s)
}

// send puts a file on the server, over SFTP, or through a shell where something
// printed into that: bytes on stdin nobody prints into.
func (h Helper) send(ctx context.Context, path string, data []byte) error {
	err := h.Conn.Upload(ctx, path, data)
	if !errors.Is(err, remote.ErrNoSFTP) {
		return err
	}
	result, failed := h.Conn.Run(ctx, remote.Script{Command: "umask 077; set -C; cat >" + path, Text: string(data), Deadline: sendTime})
	switch {
	case failed != nil:
		return fmt.Errorf("%w, and by a shell: %w", err, failed)
	case result.Code != 0:
		return fmt.Errorf("%w, and by a shell: exit %d: %s", err, result.Code, result.Stderr)
	}
	return nil
}

// sendTime is how long two megabytes may take on a bad link.
const sendTime = 10 * time.Minute

// bySum is the image that a server has asked for by the end of what was printed.
func (h Helper) bySum(said []byte) (Image, bool) {
	for _, i := range h.Images {
		if strings.HasSuffix(lastLine(said), i.Sum) {
			return i, true
		}
	}
	return Image{}, false
}

// Probe asks for facts.
func (h Helper) Probe(ctx context.Context, q server.ProbeRequest) (server.Facts, error) {
	r, err := h.Call(ctx, server.Request{Verb: server.VerbProbe, Probe: &q})
	switch {
	case err != nil:
		return server.Facts{}, err
	case r.Answer.Error != nil:
		return server.Facts{}, r.Answer.Error
	case r.Answer.Facts == nil:
		return server.Facts{}, server.ErrAnswer
	}
	return *r.Answer.Facts, nil
}

// NewImage returns an image of a program that is packed already.
func NewImage(packed, program []byte) Image {
	sum := sha256.Sum256(program)
	return Image{Packed: packed, Sum: hex.EncodeToString(sum[:])}
}
