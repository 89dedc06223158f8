package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

type enrollOptions struct {
	target        target
	bmcOnly       bool
	sshOnly       bool
	accept        string
	acceptHostKey string
	replace       bool
	out           string
	done          enrollResult
}

func newEnroll(g *globals) *cobra.Command {
	var e enrollOptions
	cmd := &cobra.Command{
		Use:   "enroll PATH",
		Short: "See the machines for the first time, and pin them",
		Long: `enroll shows the certificate of the BMC and the host key of the server, asks
whether they are the right ones, and writes them into the site file, and into
the operator file, which says that they may have the secrets of this site. What
stands in both stays as it is. Nothing is sent before the answer.

Then it logs in to the BMC. Where that wants its password changed before
anything else, it gets the one that the site declares.

Compare the fingerprints on site: the certificate with what a browser beside the
BMC shows, the host key with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on
the console. A pin that is written already is never replaced without --replace.`,
		Example: `  raiz enroll gru1.hcl
  raiz enroll gru1.hcl --bmc-only --accept sha256:3785b1…
  raiz enroll gru1.hcl --rehearsal 1a2b3c4d --out enrolled.hcl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.enroll(cmd.Context(), args[0], e)
		},
	}
	e.target.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&e.bmcOnly, "bmc-only", false, "leave the server alone")
	f.BoolVar(&e.sshOnly, "ssh-only", false, "leave the BMC alone")
	f.StringVar(&e.accept, "accept", "", "take the BMC if its certificate has this fingerprint (sha256:…), without asking")
	f.StringVar(&e.acceptHostKey, "accept-host-key", "", "take the server if its host key has this fingerprint (SHA256:…), without asking")
	f.BoolVar(&e.replace, "replace", false, "write a pin also where another one is written")
	f.StringVar(&e.out, "out", "", "write the site file with its pins here, and leave the original alone")
	cmd.MarkFlagsMutuallyExclusive("bmc-only", "ssh-only")
	return cmd
}

// enroll scans both machines, asks, writes, and only then logs in.
func (g *globals) enroll(ctx context.Context, path string, e enrollOptions) error {
	s, o, word, err := e.aim(g, path)
	if err != nil {
		return err
	}
	run := provision.New(s, o)
	defer run.Close(ctx)
	e.done = enrollResult{Site: s.Name, Written: []string{}}
	_ = g.put(&e.done)
	var pins site.Pins
	var unseen []error
	if !e.sshOnly && s.BMC != nil {
		if pins.Certificate, err = e.scanBMC(ctx, g, s, run); err != nil {
			unseen = append(unseen, err)
		}
	}
	if !e.bmcOnly {
		if pins.HostKey, err = e.scanServer(ctx, g, s, run); err != nil {
			unseen = append(unseen, err)
		}
	}
	if coded := codeOf(unseen); coded != nil {
		return coded
	}
	if err := e.write(g, s, word, pins); err != nil {
		return err
	}
	if pins.Certificate != "" {
		if err := e.firstLogin(ctx, g, s, o, pins.Certificate); err != nil {
			unseen = append(unseen, err)
		}
	}
	if len(unseen) > 0 {
		return exit(exitUnreachable, errors.Join(unseen...))
	}
	return nil
}

// codeOf returns the first of the errors that is a refusal, which ends it all.
func codeOf(errs []error) error {
	for _, err := range errs {
		if _, ok := errors.AsType[*codedError](err); ok {
			return err
		}
	}
	return nil
}

// aim is target.aim for a site whose pins are still missing. In a rehearsal
// there is no operator file.
func (e *enrollOptions) aim(g *globals, path string) (*site.Site, provision.Options, *operatorWord, error) {
	if e.target.rehearsal != "" {
		s, o, _, err := e.target.aim(g, path)
		return s, o, nil, err
	}
	fail := func(err error) (*site.Site, provision.Options, *operatorWord, error) {
		return nil, provision.Options{}, nil, err
	}
	var word operatorWord
	s, err := g.choose(path, e.target.siteName, word.lookup)
	if err != nil {
		return fail(err)
	}
	if s.Lab {
		return fail(exit(exitUsage, errors.New("site "+s.Name+" says lab = true: its addresses are made up, and only a rehearsal of it can be enrolled")))
	}
	if word, err = g.operatorWord(path, toWrite); err != nil {
		return fail(err)
	}
	o, err := g.options(path)
	if err != nil {
		return fail(err)
	}
	o.Links = newLinkFiles()
	o.Via, err = e.target.login(s.Server.SSH.Port)
	return s, o, &word, err
}

// scanBMC returns the fingerprint to pin, or "" when it has not to be.
func (e *enrollOptions) scanBMC(ctx context.Context, g *globals, s *site.Site, run *provision.Run) (string, error) {
	if len(s.BMC.CA) > 0 {
		printable.Fprintf(g.people(), "BMC: recognised by its CA; nothing to pin\n")
		return "", nil
	}
	seen, err := run.ScanCertificate(ctx)
	if err != nil {
		return "", err
	}
	e.done.BMC = newCertificateResult(seen)
	issuer := seen.Issuer
	if seen.SelfSigned() {
		issuer = "itself"
	}
	w := tabwriter.NewWriter(g.people(), 0, 8, 2, ' ', 0)
	printable.Fprintf(w, "BMC at %s (%s)\n", seen.Address, seen.Origin)
	printable.Fprintf(w, "  certificate\t%s\n  subject\t%s\n  signed by\t%s\n", seen.Fingerprint, seen.Subject, issuer)
	printable.Fprintf(w, "  valid\t%s to %s\n", seen.NotBefore.Format(time.DateOnly), seen.NotAfter.Format(time.DateOnly))
	if err := w.Flush(); err != nil {
		return "", err
	}
	return seen.Fingerprint, g.agree("the BMC", seen.Fingerprint, s.BMC.Fingerprint == seen.Fingerprint, e.accept, "--accept")
}

// scanServer returns the host key to pin.
func (e *enrollOptions) scanServer(ctx context.Context, g *globals, s *site.Site, run *provision.Run) (string, error) {
	seen, err := run.ScanHostKey(ctx)
	if err != nil {
		return "", err
	}
	e.done.Server = &hostKeyResult{seen.Address.String(), seen.Key, seen.Fingerprint}
	kind, _, _ := strings.Cut(seen.Key, " ")
	printable.Fprintf(g.people(), "server at %s\n  host key  %s %s\n", seen.Address, kind, seen.Fingerprint)
	return seen.Key, g.agree("the server", seen.Fingerprint, s.Server.SSH.Host.Key == seen.Key, e.acceptHostKey, "--accept-host-key")
}

// agree returns nil when what was seen is pinned already, or accepted.
func (g *globals) agree(what, seen string, pinned bool, accepted, flag string) error {
	switch {
	case accepted != "" && sameFingerprint(accepted, seen):
		return nil
	case accepted != "":
		return exit(exitFailed, fmt.Errorf("%s shows %s, not the %s that %s names; nothing is written", what, seen, accepted, flag))
	case pinned:
		printable.Fprintf(g.people(), "  pinned already\n")
		return nil
	}
	return g.ask(question{
		text: fmt.Sprintf("Is this %s? Compare on site, then type yes", what), word: "yes",
		refused: "not enrolled; nothing is written",
		nobody:  fmt.Sprintf(" whether this is %s: compare on site, then give %s %s", what, flag, seen),
	})
}

// sameFingerprint compares as people write: that of a certificate is
// hexadecimal, with colons or without; that of a host key is base64.
func sameFingerprint(a, b string) bool {
	digits, ok := strings.CutPrefix(a, "sha256:")
	if !ok {
		return a == b
	}
	return "sha256:"+strings.ToLower(strings.ReplaceAll(digits, ":", "")) == b
}

// pinned is a file with its new text.
type pinned struct {
	name string
	old  []byte
	new  []byte
	put  func(name string, text []byte) error
}

// write puts the pins into the operator file and into the file that the site
// stands in, or into neither. word is nil in a rehearsal.
func (e *enrollOptions) write(g *globals, s *site.Site, word *operatorWord, pins site.Pins) error {
	if pins == (site.Pins{}) {
		return nil
	}
	how := site.KeepPinned
	if e.replace || e.target.rehearsal != "" {
		how = site.ReplacePinned // a rehearsal's are made ones, and the original stays
	}
	ofSite, err := e.pinSite(g, s, pins, how)
	if err != nil {
		return err
	}
	if word == nil && e.out == "" {
		printable.Fprintf(g.people(), "a rehearsal: nothing is written without --out\n")
		return nil
	}
	files := []pinned{ofSite}
	if word != nil {
		ofOperator, err := pinOperator(g, s, word, pins, how)
		if err != nil {
			return err
		}
		files = []pinned{ofOperator, ofSite}
	}
	for _, f := range files {
		if err := writable(f.name); err != nil {
			return exit(exitUsage, fmt.Errorf("nothing is written: %w", err))
		}
	}
	for _, f := range files {
		if bytes.Equal(f.old, f.new) {
			continue
		}
		if err := f.put(f.name, f.new); err != nil {
			return err
		}
		e.done.Written = append(e.done.Written, f.name)
		printable.Fprintf(g.people(), "%s: pinned\n", f.name)
	}
	return nil
}

// pinSite is the site file with the pins, or a copy of it for --out.
func (e *enrollOptions) pinSite(g *globals, s *site.Site, pins site.Pins, how site.Pinned) (pinned, error) {
	p := pinned{name: s.Pos.File}
	st, err := os.Stat(p.name)
	if err != nil {
		return p, exit(exitUsage, err)
	}
	p.put = func(name string, text []byte) error { return replaceFile(name, text, st.Mode()) }
	if p.old, err = secret.ReadNamed(p.name); err != nil {
		return p, exit(exitUsage, fmt.Errorf("%s: %w", p.name, err))
	}
	out, diags := site.Enroll(p.old, s.Name, pins, how)
	for i := range diags {
		diags[i].Pos.File = p.name
	}
	if err := g.say(diags); err != nil {
		return p, err
	}
	if diags.HasErrors() {
		return p, exit(exitUsage, errors.New("nothing is written"))
	}
	if p.new = out; e.out != "" {
		p.name, p.old = e.out, nil
	}
	return p, nil
}

// pinOperator is the operator file with the pins.
func pinOperator(g *globals, s *site.Site, word *operatorWord, pins site.Pins, how site.Pinned) (pinned, error) {
	p := pinned{name: word.real, old: word.text, put: writeOperatorFile}
	old := site.Pins{HostKey: s.Server.SSH.Host.Key}
	if s.BMC != nil {
		old.Certificate = s.BMC.Fingerprint
	}
	var diags site.Diagnostics
	p.new, diags = site.EnrollOperator(p.old, word.real, s, pins, old, how)
	if err := g.say(diags); err != nil {
		return p, err
	}
	if diags.HasErrors() {
		return p, exit(exitUsage, errors.New("nothing is written"))
	}
	return p, nil
}

// firstLogin logs in for the first time.
func (e *enrollOptions) firstLogin(ctx context.Context, g *globals, s *site.Site, o provision.Options, fingerprint string) error {
	w, err := provision.FirstLogin(ctx, s, o, fingerprint)
	if w.Changed {
		printable.Fprintf(g.people(), "the BMC wanted its password changed first: it has the declared one now\n")
	}
	if err != nil {
		return fmt.Errorf("the certificate is pinned, and the login was not shown to work: %w", err)
	}
	e.done.Login = &loginResult{w.Username, w.Address.String(), identityResult(w.Identity), w.Changed}
	printable.Fprintf(g.people(), "logged in to the BMC as %s at %s: %s\n", w.Username, w.Address, strings.Join(strings.Fields(
		w.Identity.Vendor+" "+w.Identity.Model+", "+w.Identity.Line+" "+w.Identity.Firmware), " "))
	return nil
}
