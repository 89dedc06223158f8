package provision_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/shell"
)

// sweepDir is where the steps of an instrumented script leave their traces on
// the server, and where a step finds that it is to stop.
const sweepDir = "/var/lib/raiz-sweep"

// stepper is put in front of every statement of the script. Without sweepDir
// it does nothing. "skip" steps are not counted: that of a function which only
// reads.
const stepper = `
__step() {
	[ -d ` + sweepDir + ` ] || return 0
	[ ! -e ` + sweepDir + `/tracing ] || printf '%s\n' "$1" >>` + sweepDir + `/trace
	[ -e ` + sweepDir + `/at ] || return 0
	read -r __at <` + sweepDir + `/at || return 0
	[ "$__at" = "$1" ] || return 0
	: >` + sweepDir + `/hit
	while [ -e ` + sweepDir + `/at ]; do sleep 0.05; done
	return 0
}
`

// instrument numbers the statements of the script's functions that change
// something, and lets each announce itself.
func instrument(script string) string {
	reading := map[string]bool{"say": true, "now": true, "note": true, "raw": true, "section": true, "sum_of": true, "pending": true, "current": true,
		"state_of": true, "owner_of": true, "numbers": true, "managed": true, "same": true, "word": true, "run_check": true, "boot_unit": true, "raiz": true,
		"probe": true, "status": true, "history": true, "flush": true, "take_lock": true, "die": true}
	name := regexp.MustCompile(`^([a-z_]+)\(\) \{$`)
	simple := regexp.MustCompile(`^\t+[a-z_"\[:$(]`)
	keyword := regexp.MustCompile(`^\t+(if|then|else|elif|fi|for|while|until|do|done|case|esac|set)\b|^\t+[^ ]*( \| [^ ]+)*\)( |$)|^\t+[}]|^\t+\*\)`)
	// arm is a case with its statement on the same line.
	arm := regexp.MustCompile(`^(\t+[a-z| *"]+\) )([a-z].*)$`)
	in, heredoc, continued := "", false, false
	var out strings.Builder
	inserted := false
	for i, line := range strings.Split(script, "\n") {
		if m := name.FindStringSubmatch(line); m != nil {
			in = m[1]
			if !inserted {
				out.WriteString(stepper)
				inserted = true
			}
		}
		plain := in != "" && !reading[in] && !strings.HasPrefix(in, "probe_") && !heredoc && !continued
		if plain && simple.MatchString(line) && !keyword.MatchString(line) {
			fmt.Fprintf(&out, "\t__step %s-%d\n", in, i+1)
		}
		if m := arm.FindStringSubmatch(line); plain && m != nil {
			line = fmt.Sprintf("%s__step %s-%d; %s", m[1], in, i+1, m[2])
		}
		out.WriteString(line + "\n")
		if strings.Contains(line, "<<-UNIT") {
			heredoc = true
		} else if strings.TrimSpace(line) == "UNIT" {
			heredoc = false
		}
		continued = strings.HasSuffix(line, "\\") || strings.HasSuffix(line, "|") || strings.HasSuffix(line, "&&")
		if line == "}" {
			in = ""
		}
	}
	return out.String()
}

// instrumented is a connection whose scripts announce their steps, those sent
// over stdin and those installed from a bundle.
type instrumented struct {
	apply.Server
	old, new string // sums of the bundle as packed and as sent
}

func instrumentAll(s apply.Server) apply.Server { return &instrumented{Server: s} }

func (i *instrumented) Run(ctx context.Context, s remote.Script) (remote.Result, error) {
	s.Text = strings.Replace(s.Text, shell.Script(), instrument(shell.Script()), 1)
	if i.old != "" {
		s.Text = strings.ReplaceAll(s.Text, i.old, i.new)
	}
	return i.Server.Run(ctx, s)
}

func (i *instrumented) Upload(ctx context.Context, path string, data []byte) error {
	sum := sha256.Sum256(data)
	i.old = hex.EncodeToString(sum[:])
	data, err := repack(data)
	if err != nil {
		return err
	}
	sum = sha256.Sum256(data)
	i.new = hex.EncodeToString(sum[:])
	return i.Server.Upload(ctx, path, data)
}

// Forward and Addr are there for the gate.
func (i *instrumented) Forward(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
	return i.Server.(interface {
		Forward(context.Context, netip.AddrPort) (net.Conn, error)
	}).Forward(ctx, a)
}

func (i *instrumented) Addr() netip.AddrPort {
	return i.Server.(interface{ Addr() netip.AddrPort }).Addr()
}

func repack(bundle []byte) ([]byte, error) {
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(bundle)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if err == io.EOF {
			err = w.Close() // before the bytes are taken
			return out.Bytes(), err
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if h.Name == "raiz.sh" {
			data = []byte(instrument(shell.Script()))
			h.Size = int64(len(data))
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
}
