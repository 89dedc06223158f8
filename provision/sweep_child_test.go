//go:build linux

package provision_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/templates"
)

// A sweep kills raiz itself, so each apply that is to be broken runs in a
// process of its own: this test binary, told so by sweepEnv.
const sweepEnv = "RAIZ_SWEEP_CHILD"

// order is what a child is told.
type order struct {
	Start       string // the starting state
	Testbed     string // ID of the rehearsal
	Dir         string // where the example site is
	Pin         string // fingerprint of the BMC, which lives in the parent
	To          string // variant of the site to apply
	Revert      time.Duration
	StopAtWrite int // of the SSH connections, counted from 1; 0 is never
	StopAtRead  int
	Unconfirmed bool // stop before a connection that could confirm: one made while a generation is pending
	Waits       bool // for what somebody else has pending, as the verb does
}

// tally is what a child reports when it has ended by itself.
type tally struct {
	Outcome string
	Err     string
	Over    int // the generation that stood when it planned
	Writes  passed
	Reads   passed
}

func TestMain(m *testing.M) {
	if text := os.Getenv(sweepEnv); text != "" {
		os.Exit(sweepChild(text))
	}
	os.Exit(m.Run())
}

func sweepChild(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	got, err := obey(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	out, _ := json.Marshal(got) // plain fields
	fmt.Printf("end %s\n", out)
	return 0
}

func obey(o order) (tally, error) {
	g, err := rehearse.Find(o.Testbed)
	if err != nil {
		return tally{}, err
	}
	s, err := exampleSite(o.Dir)
	if err != nil {
		return tally{}, err
	}
	if err := g.Adopt(s); err != nil {
		return tally{}, err
	}
	g.Site.BMC.Fingerprint = o.Pin
	st := startNamed(o.Start)
	to := st.variant(g.Site, o.To)
	stops := &stops{atWrite: o.StopAtWrite, atRead: o.StopAtRead, trace: filepath.Join(g.Server.Root(), st.below(), sweepDir, "trace")}
	opts, err := sweepOptions(g, o.To)
	if err != nil {
		return tally{}, err
	}
	opts.RevertAfter = o.Revert
	dial := opts.Dial
	opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasSuffix(address, ":22") {
			return dial(ctx, network, address)
		}
		if o.Unconfirmed && isPending(g, st) {
			stops.once.Do(halt)
		}
		c, err := dial(ctx, network, address)
		if err != nil {
			return c, err
		}
		return &stopping{Conn: c, stops: stops}, nil
	}
	got, err := o.apply(to, opts)
	got.Writes, got.Reads = stops.writes, stops.reads
	return got, err
}

// apply plans and applies, as the verb does.
func (o order) apply(to *site.Site, opts provision.Options) (tally, error) {
	ctx := context.Background()
	if o.Waits {
		// Where it cannot wait it cannot plan either, which says why.
		_ = provision.WaitPending(ctx, to, opts, func(verdict.Message) {})
	}
	run := provision.New(to, opts)
	defer run.Close(ctx)
	planned, err := run.Plan(ctx)
	if err != nil {
		return tally{}, err
	}
	j, err := run.Apply(ctx, planned, "")
	got := tally{Outcome: string(j.Outcome), Over: planned.Seen.Server.Current}
	if err != nil {
		got.Err = err.Error()
	}
	return got, nil
}

func isPending(g *rehearse.Testbed, st start) bool {
	_, err := os.Lstat(filepath.Join(g.Server.Root(), st.below(), state.Home, "pending"))
	return err == nil
}

// sweepOptions log in at whichever of the two addresses the server has.
func sweepOptions(g *rehearse.Testbed, to string) (provision.Options, error) {
	images, err := sweepHelpers()
	if err != nil {
		return provision.Options{}, err
	}
	o := provision.OnTestbed(provision.Options{Packs: packs(to), Helpers: images, Who: "sweep"}, g)
	o.Via = netip.AddrPortFrom(variant(g.Site, other(to)).Server.Management.Addresses[0].Addr(), 22)
	return o, nil
}

// sweepHelperEnv names the folder with the stepping helper that a parent built.
const sweepHelperEnv = "RAIZ_SWEEP_HELPER"

// sweepHelpers is the stepping helper: all children have the same.
func sweepHelpers() (invoke.Images, error) {
	dir := os.Getenv(sweepHelperEnv)
	if dir == "" {
		return helpersOf(steppingHelper)
	}
	text, err := os.ReadFile(filepath.Join(dir, "raiz-helper"))
	if err != nil {
		return nil, err
	}
	return invoke.Images{runtime.GOARCH: invoke.NewImage(pack(text), text)}, nil
}

func other(v string) string {
	if v == "B" {
		return "A"
	}
	return "B"
}

// extraUnit is one that only variant B has, so that a change to it starts and
// enables what the way back stops and disables, and the other way round.
const extraUnit = "raiz-extra.service"

// packs are those of a variant.
func packs(v string) fs.FS {
	if v != "B" {
		return templates.FS()
	}
	return withUnit(`ExecStart=/bin/sleep infinity`)
}

// withUnit are the packs with one more unit, which is started.
func withUnit(service string) fs.FS { return withUnitAnd(service, "") }

// withUnitAnd are the same, with more said of the unit's file.
func withUnitAnd(service, more string) fs.FS {
	system, err := fs.Sub(templates.FS(), "system/debian")
	if err != nil {
		panic(err) // it is compiled in
	}
	names, err := fs.Glob(system, "*")
	if err != nil {
		panic(err)
	}
	pack := fstest.MapFS{"system/debian/extra.service.tmpl": &fstest.MapFile{Data: []byte(`[Unit]
Description=shows that units come and go with their generation
[Service]
` + service + `
[Install]
WantedBy=multi-user.target
`)}, "system/debian/extra.service.bad": &fstest.MapFile{Data: []byte("[Nothing]\n")}}
	for _, name := range names {
		data, err := fs.ReadFile(system, name)
		if err != nil {
			panic(err)
		}
		if name == "component.hcl" {
			data = []byte(strings.Replace(string(data), `service "ssh.service" {}`, `service "ssh.service" {}
  service "`+extraUnit+`" {}
  file "/etc/systemd/system/`+extraUnit+`" {
    template = "extra.service.tmpl"
    unit     = "`+extraUnit+`"
    `+more+`
    how      = "restart"
  }`, 1))
		}
		pack["system/debian/"+name] = &fstest.MapFile{Data: data}
	}
	return templates.Over(templates.FS(), pack)
}

// variant is the site as it is (A), or with another management address, host
// name and identity (B): what cuts access, resets and restarts, all at once. C
// is what a second operator wants: A by another name.
func variant(s *site.Site, v string) *site.Site {
	c := *s
	if v == "A" {
		return &c
	}
	if v == "C" {
		c.Server.Hostname += "c"
		c.DNS.Identity = "c." + c.DNS.Identity
		return &c
	}
	c.Server.Hostname += "b"
	c.DNS.Identity = "b." + c.DNS.Identity
	c.Server.SSH.From = append([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, c.Server.SSH.From...)
	c.Server.Management.Addresses = nil
	for _, p := range s.Server.Management.Addresses {
		c.Server.Management.Addresses = append(c.Server.Management.Addresses, netip.PrefixFrom(p.Addr().Next(), p.Bits()))
	}
	return &c
}

// passed are the messages that went one way: for each, how much the helper had
// written of its trace by then.
type passed []int64

// telling are the numbers, counted from 1, of the first and the last message of
// each stretch in which the helper did nothing: what is between finds the server
// as these do.
func (m passed) telling() []int {
	var out []int
	for i, at := range m {
		if i == 0 || i == len(m)-1 || m[i-1] != at || m[i+1] != at {
			out = append(out, i+1)
		}
	}
	return out
}

// stops counts what passes on all SSH connections, and stops once.
type stops struct {
	mu              sync.Mutex
	once            sync.Once
	trace           string // file
	writes, reads   passed
	atWrite, atRead int
}

func (s *stops) write() { s.pass(&s.writes, s.atWrite) }

func (s *stops) read() { s.pass(&s.reads, s.atRead) }

func (s *stops) pass(way *passed, at int) {
	var written int64
	if st, err := os.Stat(s.trace); err == nil {
		written = st.Size()
	}
	s.mu.Lock()
	*way = append(*way, written)
	hit := len(*way) == at
	s.mu.Unlock()
	if hit {
		halt()
	}
}

// halt says where we are and waits for the word to go on, or for the end.
func halt() {
	fmt.Println("hit")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// stopping is a connection that stops between two messages.
type stopping struct {
	net.Conn
	stops *stops
}

func (c *stopping) Write(p []byte) (int, error) {
	c.stops.write()
	return c.Conn.Write(p)
}

func (c *stopping) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.stops.read()
	}
	return n, err
}
