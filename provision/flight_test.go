//go:build linux

package provision_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// oneWay is the delay of each direction of the link: 200 ms of round trip.
const oneWay = 100 * time.Millisecond

// BenchmarkNoOpPlan holds a plan that finds nothing to do against OpenSSH that
// runs "true" on the same server through the same link, by turns.
func BenchmarkNoOpPlan(b *testing.B) {
	if err := rehearse.Ready(); err != nil {
		b.Skip(err)
	}
	s, o := standing(b)
	near := &links{dial: o.Dial, ports: map[string]string{}}
	b.Cleanup(near.close)
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		at, err := near.to(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", at)
	}
	direct := o
	direct.Dial = near.dial
	alone := *s
	alone.BMC = nil
	ssh := stock(b, s, near)
	measurePlan(b, s, o) // learns the links of the BMC, and is not counted
	took := map[string][]time.Duration{}
	flights := map[string]float64{}
	turn := func(name string, do func() time.Duration) {
		flights[name] = near.counted(func() { took[name] = append(took[name], do()) })
	}
	const rounds = 7
	for b.Loop() {
		for range rounds {
			turn("ssh", func() time.Duration {
				began := time.Now()
				if out, err := ssh().CombinedOutput(); err != nil {
					b.Fatalf("ssh: %v: %s", err, out)
				}
				return time.Since(began)
			})
			turn("server", func() time.Duration { return measurePlan(b, &alone, o) })
			turn("plan", func() time.Duration { return measurePlan(b, s, o) })
			turn("no-link", func() time.Duration { return measurePlan(b, &alone, direct) })
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, all := range took {
		b.ReportMetric(median(all).Seconds(), name+"-s")
		b.Logf("%s: %v", name, all)
	}
	for _, name := range []string{"ssh", "server"} {
		b.ReportMetric(flights[name], name+"-flights")
	}
	for _, name := range []string{"server", "plan"} {
		b.ReportMetric(median(took[name]).Seconds()/median(took["ssh"]).Seconds(), name+"/ssh")
	}
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// standing is a server in a rehearsal that is as its site declares.
func standing(b *testing.B) (*site.Site, provision.Options) {
	b.Helper()
	bed, err := rehearse.Up(b.Context(), loadSite(b, "../sites/as112-gru1.hcl"), rehearse.Options{Progress: func(line string) { b.Log(line) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := bed.Down(context.Background()); err != nil {
			b.Error(err)
		}
	})
	images, err := helpersOf(realHelper)
	if err != nil {
		b.Fatal(err)
	}
	o := provision.OnTestbed(provision.Options{Packs: templates.FS(), Helpers: images, Links: &memoryLinks{all: map[string][]byte{}}, Who: "bench"}, bed)
	run := provision.New(bed.Site, o)
	defer run.Close(context.Background())
	planned, err := run.Plan(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if j, err := run.Apply(b.Context(), planned, planned.Plan.Digest()); err != nil {
		b.Fatalf("%+v: %v", j, err)
	}
	return bed.Site, o
}

// measurePlan is how long a plan takes from nothing to its end. It has to be
// empty, in one connection and one exec.
func measurePlan(b *testing.B, s *site.Site, o provision.Options) time.Duration {
	b.Helper()
	began := time.Now()
	run := provision.New(s, o)
	planned, err := run.Plan(b.Context())
	took := time.Since(began)
	cost := run.Cost()
	_ = run.Close(b.Context())
	if err != nil || !planned.Plan.Empty() {
		b.Fatalf("%v: %+v %+v", err, planned.Plan.Changes, planned.Plan.Unknown)
	}
	if cost.SSHConnections != 1 || cost.SSHExecs != 1 || cost.BMCGets > 5 {
		b.Logf("cost %+v", cost)
	}
	return took
}

// stock returns OpenSSH's client as it comes, with the same identity and the
// same pinned host key.
func stock(b *testing.B, s *site.Site, near *links) func() *exec.Cmd {
	b.Helper()
	at, err := near.to(fmt.Sprintf("%s:%d", s.Server.Management.Addresses[0].Addr(), s.Server.SSH.Port))
	if err != nil {
		b.Fatal(err)
	}
	known := filepath.Join(b.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte("copy "+s.Server.SSH.Host.Key+"\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(at)
	return func() *exec.Cmd {
		return exec.Command("ssh", "-F", "none", "-i", s.Server.SSH.Identity, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
			"-o", "UserKnownHostsFile="+known, "-o", "HostKeyAlias=copy", "-p", port, s.Server.SSH.User+"@127.0.0.1", "true")
	}
}

// links are relays on the loopback, one to each address behind the link. A
// kernel need not have netem. They keep order and limit no bandwidth.
type links struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	mu    sync.Mutex
	ports map[string]string
	all   []net.Listener

	answered atomic.Bool
	turns    atomic.Int64
}

func (l *links) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.all {
		_ = x.Close()
	}
}

func (l *links) to(address string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.ports[address]; ok {
		return at, nil
	}
	x, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.all, l.ports[address] = append(l.all, x), x.Addr().String()
	go func() {
		for {
			c, err := x.Accept()
			if err != nil {
				return
			}
			go l.relay(c, address)
		}
	}()
	return x.Addr().String(), nil
}

// relay carries one connection. The near side was taken at once; that it would
// have been taken a round trip later, and heard by the far side another half
// of one after that, is waited for here.
func (l *links) relay(near net.Conn, address string) {
	defer near.Close()
	time.Sleep(3 * oneWay)
	far, err := l.dial(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { delayed(far, near, l.turned) })
	both.Go(func() { delayed(near, far, func() { l.answered.Store(true) }) })
	both.Wait()
}

// turned counts a flight: the near side says something after it has heard
// something. What is counted does not depend on how busy the machine is.
func (l *links) turned() {
	if l.answered.Swap(false) {
		l.turns.Add(1)
	}
}

// counted is how many flights it took to do something alone.
func (l *links) counted(do func()) float64 {
	before := l.turns.Load()
	do()
	return float64(l.turns.Load() - before)
}

type parcel struct {
	data []byte
	due  time.Time
}

// delayed copies what comes, each piece oneWay after it came.
func delayed(to io.Writer, from io.Reader, passed func()) {
	way := make(chan parcel, 1<<12)
	go func() {
		defer close(way)
		for {
			b := make([]byte, 32<<10)
			n, err := from.Read(b)
			if n > 0 {
				passed()
				way <- parcel{b[:n], time.Now().Add(oneWay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	if c, ok := to.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	for range way {
	}
}
