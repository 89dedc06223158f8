package hostile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

const (
	password = "Planted-Password-7"
	address  = "192.0.2.120"
	manager  = "/redfish/v1/Managers/1"
	tasks    = "/redfish/v1/TaskService/Tasks/"
)

// controller is a Redfish service with a manager and a system. It behaves,
// where its way does not.
type controller struct {
	way  controllerWay
	r    *rand.Rand
	done chan struct{} // closed with the test: what hangs is let go

	after    int64 // so many requests behave once logged in
	requests atomic.Int64
	away     atomic.Int64 // dials to another address
}

// documents of the service, as DSP0268 has them.
func documents() map[string]string {
	link := func(to string) string { return fmt.Sprintf(`{"@odata.id":%q}`, to) }
	return map[string]string{
		"/redfish/v1": `{"@odata.id":"/redfish/v1","@odata.type":"#ServiceRoot.v1_9_0.ServiceRoot","Id":"RootService","UUID":"92384634-2938-2342-8820-489239905423","RedfishVersion":"1.9.0","Vendor":"Example",
			"Managers":` + link("/redfish/v1/Managers") + `,"Systems":` + link("/redfish/v1/Systems") + `,"AccountService":` + link("/redfish/v1/AccountService") + `,"Chassis":` + link("/redfish/v1/Chassis") + `,
			"SessionService":` + link("/redfish/v1/SessionService") + `,"Links":{"Sessions":` + link("/redfish/v1/SessionService/Sessions") + `}}`,
		"/redfish/v1/Managers":                  `{"Members":[` + link(manager) + `],"Members@odata.count":1}`,
		"/redfish/v1/Systems":                   `{"Members":[` + link("/redfish/v1/Systems/1") + `]}`,
		"/redfish/v1/Chassis":                   `{"Members":[` + link("/redfish/v1/Chassis/1") + `]}`,
		"/redfish/v1/Chassis/1":                 `{"@odata.type":"#Chassis.v1_10_0.Chassis","Id":"1"}`,
		"/redfish/v1/Systems/1":                 `{"@odata.type":"#ComputerSystem.v1_10_0.ComputerSystem","Id":"1","PowerState":"On","Boot":{"BootSourceOverrideEnabled":"Disabled"},"ProcessorSummary":{"Count":2},"Storage":` + link("/redfish/v1/Systems/1/Storage") + `}`,
		"/redfish/v1/Systems/1/Storage":         `{"Members":[]}`,
		"/redfish/v1/AccountService":            `{"Accounts":` + link("/redfish/v1/AccountService/Accounts") + `}`,
		"/redfish/v1/AccountService/Accounts":   `{"Members":[` + link("/redfish/v1/AccountService/Accounts/1") + `]}`,
		"/redfish/v1/AccountService/Accounts/1": `{"Id":"1","UserName":"root","RoleId":"Administrator","Enabled":true}`,
		manager:                                 `{"@odata.type":"#Manager.v1_9_0.Manager","Id":"1","ManagerType":"BMC","EthernetInterfaces":` + link(manager+"/EthernetInterfaces") + `,"NetworkProtocol":` + link(manager+"/NetworkProtocol") + `,"Links":{"ManagerForServers":[` + link("/redfish/v1/Systems/1") + `]}}`,
		manager + "/EthernetInterfaces":         `{"Members":[` + link(manager+"/EthernetInterfaces/1") + `]}`,
		manager + "/EthernetInterfaces/1":       `{"@odata.type":"#EthernetInterface.v1_6_0.EthernetInterface","Id":"1","HostName":"old","IPv4Addresses":[{"Address":"` + address + `","SubnetMask":"255.255.255.0","Gateway":"192.0.2.1","AddressOrigin":"Static"}],"IPv4StaticAddresses":[{"Address":"` + address + `","SubnetMask":"255.255.255.0","Gateway":"192.0.2.1"}],"DHCPv4":{"DHCPEnabled":false}}`,
		manager + "/NetworkProtocol":            `{"@odata.type":"#ManagerNetworkProtocol.v1_6_0.ManagerNetworkProtocol","HostName":"old","NTP":{"ProtocolEnabled":true,"NTPServers":["192.0.2.1"]},"SSH":{"ProtocolEnabled":true}}`,
		tasks + "1":                             `{"Id":"1","TaskState":"Running"}`,
	}
}

// ServeHTTP implements http.Handler.
func (c *controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	path := strings.TrimSuffix(r.URL.Path, "/")
	phase := reading
	switch {
	case path == "/redfish/v1":
		phase = greeting
	case strings.HasPrefix(path, "/redfish/v1/SessionService/Sessions"):
		if phase = login; r.Method == http.MethodDelete {
			phase = logout
		}
	case r.Method == http.MethodPatch || r.Method == http.MethodPost:
		phase = writing
	case strings.HasPrefix(path, tasks):
		phase = tasking
	}
	late := phase != reading || c.requests.Add(1) > c.after
	if c.way.do != nil && (c.way.phase == phase || c.way.phase == logged && phase >= reading) && late {
		c.way.do(c, w, r)
		return
	}
	c.behave(w, path, phase)
}

func (c *controller) behave(w http.ResponseWriter, path string, phase phase) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	switch phase {
	case login:
		h.Set("X-Auth-Token", "token")
		h.Set("Location", "/redfish/v1/SessionService/Sessions/1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"@odata.id":"/redfish/v1/SessionService/Sessions/1","Id":"1"}`)
		return
	case logout, writing:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	doc, ok := documents()[path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.Set("ETag", `"1"`)
	_, _ = io.WriteString(w, doc)
}

// phase is what a request is for.
type phase int

const (
	greeting phase = iota
	login
	reading
	writing
	tasking
	logout
	logged // all from reading on
)

// controllerWay is one way to misbehave.
type controllerWay struct {
	name  string
	phase phase
	do    func(c *controller, w http.ResponseWriter, r *http.Request)
	// raw misbehaves before HTTP, or TLS.
	raw func(c *controller, conn net.Conn)
	// says are words of the error, with | between; "" is for what may end well.
	says  string
	limit time.Duration // 0 is a minute
}

// quickly are bounds that fit a test; they are the same bounds.
func quickly() redfish.Timing {
	return redfish.Timing{
		Connect: 2 * time.Second, Stagger: 100 * time.Millisecond, Prefer: 100 * time.Millisecond, Request: 3 * time.Second,
		Task: time.Second, Poll: 10 * time.Millisecond, Logout: time.Second,
	}
}

// TestController goes each way with a run of everything that raiz asks of a
// controller.
func TestController(t *testing.T) {
	watched(t)
	for _, way := range controllerWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, r *rand.Rand) { meet(t, way, r) })
		})
	}
}

func meet(t *testing.T, way controllerWay, r *rand.Rand) {
	c := &controller{way: way, r: r, done: make(chan struct{})}
	if r.IntN(2) == 1 && rounds() > 1 {
		c.after = r.Int64N(8)
	}
	server := httptest.NewUnstartedServer(c)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	at := server.Listener.Addr().String()
	t.Cleanup(func() {
		close(c.done)
		server.CloseClientConnections()
		server.Close()
	})
	if way.raw != nil {
		at = c.listen(t)
	}
	timing := quickly()
	target := bmc.Target{Target: redfish.Target{
		Endpoints:   []redfish.Endpoint{{Address: netip.MustParseAddrPort(address + ":443"), Username: "root", Password: secret.New("test", password), Origin: redfish.Declared}},
		Fingerprint: redfish.Fingerprint(server.Certificate()), Timing: timing,
		Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
			if to != address+":443" {
				c.away.Add(1)
				return nil, errors.New("no route")
			}
			return new(net.Dialer).DialContext(ctx, network, at)
		},
	}, Patience: bmc.Patience{ReadBack: 50 * time.Millisecond, Move: 100 * time.Millisecond, Network: time.Second}}
	limit := way.limit
	if limit == 0 {
		limit = time.Minute
	}
	err := ended(t, limit, func() error { return everything(target) })
	speaks(t, err, way.says, password)
	if n := c.away.Load(); n > 0 {
		t.Errorf("it was followed off the controller %d times", n)
	}
}

// everything is what a run does with a controller.
func everything(target bmc.Target) error {
	ctx := context.Background()
	c, err := bmc.Open(ctx, target)
	if err != nil {
		return err
	}
	var all []error
	names := []string{"account", "hostname", "dns", "ntp", "ipmi", "power-restore", "ipv4.address", "ipv6.address", "vlan", "protocol.ssh", "protocol.virtual-media", "serial-console", "boot", "boot-order", "https-certificate"}
	var items []state.Item
	for _, n := range names {
		items = append(items, state.Item{Key: state.Key{Kind: state.Setting, Name: n}})
	}
	for _, f := range c.Read(ctx, items) {
		if f.Err != nil {
			all = append(all, fmt.Errorf("read %s: %w", f.Key, f.Err))
		}
	}
	_, err = c.Hardware(ctx)
	all = append(all, err)
	inv := c.Inventory(ctx, bmc.InventoryWanted{MACs: []string{"02:00:00:00:00:01"}, Licences: true, SecureBoot: true, Log: &bmc.LogWanted{Severity: "Warning"}})
	all = append(all, inv.Err, inv.MACsErr, inv.LicencesErr, inv.SecureBoot.Err, inv.Log.Err)
	for _, p := range inv.Parts {
		all = append(all, p.Err)
	}
	_, err = c.Diagnose(ctx)
	all = append(all, err)
	outcomes, err := c.Set(ctx, []bmc.Change{{Key: state.Key{Kind: state.Setting, Name: "hostname"}, Value: state.Attr{Values: []string{"new"}}}})
	all = append(all, err)
	for _, o := range outcomes {
		all = append(all, o.Err)
	}
	all = append(all, c.SetPower(ctx, bmc.PowerOff, bmc.Graceful, 10*time.Millisecond), c.Close(ctx))
	return errors.Join(all...)
}

// listen serves a way that is below HTTP.
func (c *controller) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				c.way.raw(c, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// hang waits for the end of the test, or of the client.
func (c *controller) hang(r *http.Request) {
	select {
	case <-c.done:
	case <-r.Context().Done():
	}
}

// drip writes byte by byte, one each tenth of a second, for ever.
func (c *controller) drip(w io.Writer, text string) {
	for i := 0; ; i++ {
		if _, err := w.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		select {
		case <-c.done:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// flood writes the same for ever.
func flood(w io.Writer, text string) {
	block := []byte(strings.Repeat(text, 1+(32<<10)/len(text)))
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// taken is the connection of a request, without HTTP.
func taken(w http.ResponseWriter) (net.Conn, func()) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn, func() { _ = conn.Close() }
}
