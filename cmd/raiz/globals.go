package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/templates"
)

// globals are the flags that every verb has, and what they stand for.
type globals struct {
	std      streams // where all is written; streams.way made it
	raw      streams // as the process got them, for a shell that somebody has asked for
	args     []string
	answer   answer
	json     bool
	full     bool
	verbose  bool
	operator string
	packs    string
	folder   *secret.Folder  // the folder that packs names, once it is open
	done     <-chan struct{} // closed by a signal
}

func (g *globals) flags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.BoolVar(&g.json, "json", false, "print one JSON document instead of text (docs/schema.json)")
	f.BoolVar(&g.full, "full", false, "print everything: new files, checks that passed, what the run has cost")
	f.BoolVarP(&g.verbose, "verbose", "v", false, "log what is done, to standard error")
	f.StringVar(&g.operator, "operator", "", "what site files may look up, and the machines that may receive it (or RAIZ_OPERATOR, or ~/.config/raiz/operator.hcl)")
	f.StringVar(&g.packs, "templates", "", "folder whose component packs replace the built-in ones of the same name")
}

// lookups says who finds what a site refers to.
type lookups func(site string) secret.Lookup

// load reads the site files at path and says what is wrong with them.
func (g *globals) load(path string, from lookups) ([]*site.Site, error) {
	sites, diags := g.read(path, from)
	if err := g.say(diags); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, exit(exitUsage, fmt.Errorf("%s is not valid", path))
	}
	return sites, nil
}

// read opens nothing but site files and what their folder holds.
func (g *globals) read(path string, from lookups) ([]*site.Site, site.Diagnostics) {
	folder, dir, name, err := openSites(path)
	if err != nil {
		return nil, site.Diagnostics{site.Unreadable(path, err)}
	}
	defer folder.Close()
	packs, err := g.packFS()
	if err != nil {
		return nil, unreadablePacks(err)
	}
	o := site.Options{Lookup: from, Base: dir, Done: g.done}
	if o.Operators, err = fs.Sub(packs, "operators"); err != nil {
		panic("raiz: " + err.Error()) // the name of the folder is a valid one
	}
	if o.Packs, err = render.Packs(packs); err != nil {
		return nil, unreadablePacks(err)
	}
	return site.Load(folder, name, o)
}

// unreadablePacks is what is wrong with the component packs: no site file can
// be read without them.
func unreadablePacks(err error) site.Diagnostics {
	return site.Diagnostics{{
		Severity: site.Error, Rule: "component", Summary: "component packs not readable",
		Detail: err.Error() + ". docs/packs.md says what a pack is.", Pos: site.Pos{File: "--templates"},
	}}
}

func (g *globals) say(diags site.Diagnostics) error {
	if g.json {
		g.answer.problems = append(g.answer.problems, diags...)
		return nil
	}
	return report.Diagnostics(g.std.err, diags, g.text())
}

// one returns the only site of path, or the one of that name. Nothing is
// looked up for it.
func (g *globals) one(path, name string) (*site.Site, error) { return g.choose(path, name, nil) }

func (g *globals) choose(path, name string, from lookups) (*site.Site, error) {
	sites, err := g.load(path, from)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range sites {
		if s.Name == name || name == "" && len(sites) == 1 {
			return s, nil
		}
		names = append(names, s.Name)
	}
	if name != "" {
		return nil, exit(exitUsage, fmt.Errorf("%s has no site %q; it has %s", path, name, strings.Join(names, ", ")))
	}
	return nil, exit(exitUsage, fmt.Errorf("%s has %d sites; choose one with --site: %s", path, len(sites), strings.Join(names, ", ")))
}

// withSecrets refuses a site that the operator file does not let have what it
// asks for, or whose secrets are not all there. Nothing is looked up before the
// machines that are to receive it are known.
func (g *globals) withSecrets(s *site.Site, word *operatorWord) error {
	missing := word.file.Check(s, word.trust(s.Name))
	if !missing.HasErrors() {
		missing = s.MissingSecrets()
	}
	if err := g.say(missing); err != nil {
		return err
	}
	if missing.HasErrors() {
		return exit(exitUsage, fmt.Errorf("site %s lacks what it needs: %s", s.Name, plural(len(missing), "problem")))
	}
	return nil
}

func (g *globals) text() report.TextOptions { return report.TextOptions{Full: g.full} }

func (g *globals) show(r report.Report) error {
	if g.json {
		g.answer.reports = append(g.answer.reports, r)
		return nil
	}
	return report.Text(g.std.out, r, g.text())
}

func (g *globals) options(source string) (provision.Options, error) {
	packs, err := g.packFS()
	if err != nil {
		return provision.Options{}, err
	}
	images, err := helpers()
	if err != nil {
		return provision.Options{}, err
	}
	home, _ := os.UserHomeDir() // only needed for "~"
	o := provision.Options{
		Helpers:     images,
		Packs:       packs,
		Home:        home,
		AgentSocket: g.std.env("SSH_AUTH_SOCK"),
		Who:         who(source),
		Tell:        g.teller(),
	}
	if g.verbose {
		o.Log = slog.New(slog.NewTextHandler(g.std.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return o, nil
}

// teller says each note once, however many connections it comes up on.
func (g *globals) teller() func(verdict.Message) {
	var mu sync.Mutex
	said := map[string]bool{}
	return func(m verdict.Message) {
		text := messages.English().Say(m)
		mu.Lock()
		defer mu.Unlock()
		if !said[text] {
			said[text] = true
			printable.Fprintf(g.std.err, "raiz: %s\n", text)
		}
	}
}

// who is recorded on a server with every change: who, where, and from what.
func who(source string) string { return whoever() + " with " + source }

// whoever runs raiz, and on which machine.
func whoever() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

// packFS are the packs in front of the built-in ones. The folder stays open
// for as long as the program runs: whatever is made of a site comes out of it.
func (g *globals) packFS() (fs.FS, error) {
	if g.packs == "" {
		return templates.FS(), nil
	}
	if g.folder != nil {
		return templates.Over(templates.FS(), g.folder), nil
	}
	switch st, err := os.Stat(g.packs); {
	case err != nil:
		return nil, exit(exitUsage, fmt.Errorf("--templates: %w", err))
	case !st.IsDir():
		return nil, exit(exitUsage, fmt.Errorf("--templates: %s is not a folder", g.packs))
	}
	var err error
	if g.folder, err = secret.OpenFolder(g.packs); err != nil {
		return nil, exit(exitUsage, fmt.Errorf("--templates: %w", err))
	}
	return templates.Over(templates.FS(), g.folder), nil
}

// close lets go of what a run has open.
func (g *globals) close() {
	if g.folder != nil {
		_ = g.folder.Close() // it was only read
	}
}

// target is where a verb goes: the real site, or a rehearsal of it.
type target struct {
	siteName  string
	rehearsal string
	via       string
	bmcOnly   bool
}

func (t *target) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.siteName, "site", "", "name of the site, where the files hold several")
	cmd.Flags().StringVar(&t.rehearsal, "rehearsal", "", "go to this rehearsal (see raiz rehearse status) instead of the real site")
	cmd.Flags().StringVar(&t.via, "via", "", "log in at this ADDRESS or ADDRESS:PORT, where the server answers now")
}

// bmcFlag is for verbs that can do with the controller alone.
func (t *target) bmcFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.bmcOnly, "bmc-only", false, "the BMC alone: the server need not have an operating system yet")
}

// login reads --via.
func (t *target) login(port uint16) (netip.AddrPort, error) {
	if t.via == "" {
		return netip.AddrPort{}, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(t.via, "[]")); err == nil {
		return netip.AddrPortFrom(a, port), nil
	}
	ap, err := netip.ParseAddrPort(t.via)
	if err != nil {
		return ap, exit(exitUsage, fmt.Errorf("--via %q is neither an address nor ADDRESS:PORT; IPv6 with a port is written [ADDRESS]:PORT", t.via))
	}
	return ap, nil
}

// aim loads the site and returns it with what a run on it uses.
func (t *target) aim(g *globals, path string) (*site.Site, provision.Options, provision.Vantages, error) {
	fail := func(err error) (*site.Site, provision.Options, provision.Vantages, error) {
		return nil, provision.Options{}, provision.Vantages{}, err
	}
	var word operatorWord
	s, err := g.choose(path, t.siteName, word.lookup)
	if err != nil {
		return fail(err)
	}
	o, err := g.options(path)
	if err != nil {
		return fail(err)
	}
	if o.Via, err = t.login(s.Server.SSH.Port); err != nil {
		return fail(err)
	}
	if o.BMCOnly = t.bmcOnly; o.BMCOnly && s.BMC == nil {
		return fail(exit(exitUsage, fmt.Errorf("site %s has no bmc", s.Name)))
	}
	if t.rehearsal != "" {
		return t.onRehearsal(s, o)
	}
	if s.Lab {
		return fail(exit(exitUsage, errors.New("site "+s.Name+" says lab = true: its addresses are made up, and only raiz rehearse runs it")))
	}
	o.Links = newLinkFiles()
	if word, err = g.operatorWord(path, toRead); err != nil {
		return fail(err)
	}
	if err := g.withSecrets(s, &word); err != nil {
		return fail(err)
	}
	o.Revoked = word.trust(s.Name).Revoked
	return s, o, provision.Vantages{}, nil
}

// guards are the flags of every verb that changes a server.
type guards struct {
	yes         bool
	revertAfter time.Duration
	handsOnSite bool
	takeOver    bool
}

func (a *guards) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&a.yes, "yes", false, "do not ask")
	f.DurationVar(&a.revertAfter, "revert-after", provision.DefaultRevertAfter, "how long the server waits for the confirmation before it reverts")
	f.BoolVar(&a.handsOnSite, "hands-on-site", false, "somebody stands beside the server: do not ask for the BMC as a second way in")
	f.BoolVar(&a.takeOver, "take-over", false, "reset the BGP sessions of a copy that raiz did not build; drain it by hand before")
}

func (a guards) set(o *provision.Options) error {
	if a.revertAfter < 5*time.Second || a.revertAfter > time.Hour {
		return exit(exitUsage, fmt.Errorf("--revert-after %s: use between 5s and 1h", a.revertAfter))
	}
	o.RevertAfter, o.HandsOnSite, o.TakeOver = a.revertAfter, a.handsOnSite, a.takeOver
	return nil
}
