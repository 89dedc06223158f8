package bmc_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// misbehaviours are what controllers do while their address is changed.
func misbehaviours() map[string]simbmc.Faults {
	const manager, eth = "/redfish/v1/Managers/bmc", "/redfish/v1/Managers/bmc/EthernetInterfaces/eth0"
	deep := `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
	loop := `{"@odata.id":"` + manager + `","Members":[{"@odata.id":"` + manager + `"}],"EthernetInterfaces":{"@odata.id":"` + manager + `"},
		"NetworkProtocol":{"@odata.id":"` + manager + `"},"Links":{"ManagerForServers":[{"@odata.id":"` + manager + `"}]}}`
	return map[string]simbmc.Faults{
		"none":                    {},
		"etag absent":             {ETag: simbmc.ETagNone},
		"etag weak":               {ETag: simbmc.ETagWeak},
		"etag weak, strict":       {ETag: simbmc.ETagWeakStrict},
		"etag required":           {ETag: simbmc.ETagRequired},
		"412 although right":      {ETag: simbmc.ETagBroken},
		"412 to any":              {ETag: simbmc.ETagRefused},
		"task":                    {Task: "Completed", TaskPolls: 2},
		"task that fails":         {Task: "Exception", Ignore: true},
		"task for ever":           {Task: "Completed", TaskPolls: 1 << 20, Ignore: true},
		"200, partly":             {Partial: true, ReadOnly: []string{"IPv4StaticAddresses"}},
		"refused":                 {ReadOnly: []string{"IPv4StaticAddresses"}},
		"accepted and ignored":    {Ignore: true},
		"answer delayed":          {Slow: 20 * time.Millisecond},
		"answer lost":             {LoseAnswer: true},
		"answer lost, not done":   {LoseAnswer: true, Ignore: true},
		"cut off":                 {LoseAnswer: true, DropOnMove: true},
		"gateway lost":            {LoseGatewayOnce: true},
		"silent":                  {Slow: time.Hour},
		"session limit":           {SessionLimit: 1},
		"session ends":            {SessionLife: 3},
		"session without a token": {SessionLife: 3, NoToken: true},
		"password change forced":  {MustChange: true},
		"slow tls":                {SlowTLS: 30 * time.Millisecond},
		"tls that never ends":     {SlowTLS: time.Hour},
		"503 for a while":         {Busy: 2},
		"503 for good":            {Busy: 1 << 20},
		"connection reset":        {Reset: 1},
		"connection reset often":  {Reset: 6},
		"malformed json":          {Body: []byte(`{"Id": `)},
		"no object":               {Body: []byte(`[]`)},
		"deep json":               {Body: []byte(deep)},
		"huge json":               {Huge: 5 << 20},
		"endless redirects":       {Redirect: manager},
		"redirect off the host":   {Redirect: "https://192.0.2.66" + manager},
		"links that loop":         {Body: []byte(loop)},
		"manager missing":         {Missing: []string{manager}},
		"interface missing":       {Missing: []string{eth}},
	}
}

// TestMisbehaviour changes the address of a controller that misbehaves from
// the start, or from the moment it has moved. It ends in done and so, or in
// not done and said; no session is left; and within Patience.Network.
func TestMisbehaviour(t *testing.T) {
	for name, f := range misbehaviours() {
		for _, phase := range []string{"from the start", "once moved"} {
			for _, personality := range []string{"openbmc", "ilo"} { // ilo needs a reset
				t.Run(name+"/"+phase+"/"+personality, func(t *testing.T) {
					t.Parallel()
					misbehave(t, personality, phase, f)
				})
			}
		}
	}
}

func misbehave(t *testing.T, personality, phase string, f simbmc.Faults) {
	l := newLab(t, simbmc.Config{Personality: personality})
	target := l.target(factory())
	target.Timing.Connect, target.Timing.Request = time.Second, time.Second
	target.Timing.Task, target.Patience.Move = 100*time.Millisecond, 400*time.Millisecond
	target.Patience.Network, target.Timing.Logout = 3*time.Second, time.Second
	c := l.open(target)
	if phase == "from the start" {
		l.bmc.SetFaults(f)
	} else {
		l.moved = func() { l.bmc.SetFaults(f) }
	}
	want := map[string][]string{bmc.IPv4Address: {newV4.String()}, bmc.IPv4Gateway: {"192.0.2.1"}, bmc.IPv4DHCP: {"off"}}
	begin := time.Now()
	got, err := set(t, l, c, want)
	// The bound is Network, and one request for each setting that is looked
	// at afterwards; the rest is for a busy machine.
	if took := time.Since(begin); took > target.Patience.Network+5*time.Second {
		t.Errorf("it took %s", took)
	}
	l.bmc.SetFaults(simbmc.Faults{})
	there := slices.Contains(l.bmc.Addresses(), newV4)
	switch done := got[bmc.IPv4Address] == bmc.Done; {
	case done && !there:
		t.Errorf("it says done, and the controller is at %v", l.bmc.Addresses())
	case done:
		equal(t, want, read(t, c, bmc.IPv4Address, bmc.IPv4Gateway, bmc.IPv4DHCP))
		equal(t, newV4.Addr().String(), c.Endpoint().Address.Addr().String())
	case err == nil:
		t.Error("it is not done and nobody says so")
	default:
		t.Logf("%v: %v", got, err)
	}
	l.close(c)
	if n := len(l.bmc.Log()); n > 1500 {
		t.Errorf("it took %d requests", n)
	}
	for _, d := range l.dials {
		if strings.Contains(d, "192.0.2.66") {
			t.Error("the redirect off the host was followed")
		}
	}
}
