package bmc_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redact"
)

// hidden is what somebody has planted in a tree: none of it may be in what is
// shown. They are written in the forms that controllers use.
const hiddenSerial, hiddenMAC, hiddenHost = "7Q3XB92", "3C:EC:EF:5A:17:90", "gru1-7q3xb92-bmc"

// whole reads every resource of a saved tree.
func whole(t *testing.T, dir string) map[string]redact.Object {
	t.Helper()
	out := map[string]redact.Object{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != "index.json" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var doc redact.Object
		if json.Unmarshal(text, &doc) == nil && doc != nil {
			rel, err := filepath.Rel(dir, filepath.Dir(name))
			if err != nil {
				return err
			}
			out["/"+filepath.ToSlash(rel)] = doc
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatal(len(out), err)
	}
	return out
}

// written is a tree in a folder, as it is saved.
func written(t *testing.T, docs redact.Object, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for uri, doc := range docs {
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, filepath.FromSlash(uri))
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "index.json"), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plant puts secrets, and what says which machine it is, into each resource of
// a tree: where schemas have them and where vendors do, at the top and nested.
func plant(docs map[string]redact.Object) []string {
	planted := []string{hiddenSerial, hiddenMAC, hiddenHost, strings.ReplaceAll(hiddenMAC, ":", ""), "Zx-", "48151623"}
	n := 0
	secret := func() string { n++; return fmt.Sprintf("Zx-%d-hunter", n) }
	for _, doc := range docs {
		for _, name := range []string{"AuthenticationKey", "AdminPwd", "SetupPwd", "PreSharedKey", "Password", "EncryptionKey", "CommunityNames",
			"Pin", "Description", "Contact", "State2", "PSK", "Url", "target2", "@odata.etag", "AssetTag"} {
			if _, has := doc[name]; !has {
				doc[name] = secret()
			}
		}
		nested := redact.Object{
			"AuthenticationKey": secret(), "Deep": []any{redact.Object{"PreSharedKey": secret(), "AdminPwd": []any{secret(), secret()}}},
			"Attributes": []any{redact.Object{"Name": "AdminPwd", "Value": secret()}, redact.Object{"AttributeName": "SetupPwd", "CurrentValue": secret(), "DefaultValue": secret()}},
			"Health":     secret(), "State": secret(), "Model": secret() + "\x1b", "@odata.type": "#" + secret(),
			"SerialNumber": hiddenSerial, "MACAddress": hiddenMAC, "HostName": hiddenHost,
			"FirmwareVersion": "1.0 " + hiddenSerial, "Manufacturer": "Made for " + hiddenHost, "Product": "box " + hiddenSerial,
			"Link": redact.Object{"@odata.id": "/redfish/v1/Chassis/" + hiddenSerial + "/NIC-" + strings.ReplaceAll(hiddenMAC, ":", "") + "?q=" + secret() + "#/" + hiddenHost},
			"Adapter_" + strings.ReplaceAll(hiddenMAC, ":", "") + "_CHAPSecret": secret(), hiddenHost: redact.Object{hiddenSerial: secret()}, hiddenMAC: true,
			"BootOrder": []any{secret(), "Boot0001"}, "X@Redfish.AllowableValues": []any{secret()}, "SubnetMask": secret(), "Id": secret(),
		}
		if oem, is := doc["Oem"].(redact.Object); is {
			oem["Planted"] = nested
		} else {
			doc["Oem"] = redact.Object{"Planted": nested}
		}
		nested["SetupPin"] = float64(48151623) // as a number
		if a, is := doc["Attributes"].(redact.Object); is {
			a["Users.2.Password"], a["SNMP.1.AgentCommunity"], a["LDAP.1.BindPassword"], a["IPMILan.1.EncryptionKey"], a["SetupPwd"] = secret(), secret(), secret(), secret(), secret()
		}
	}
	return planted
}

// survives says what of a tree is still in what is shown, whatever its case and
// its separators.
func survives(shown string, hidden []string) []string {
	low := strings.ToLower(shown)
	bare := strings.NewReplacer(":", "", "-", "", ".", "", "_", "").Replace(low)
	var out []string
	for _, h := range hidden {
		if h = strings.ToLower(h); strings.Contains(low, h) || strings.Contains(bare, strings.ReplaceAll(h, ":", "")) {
			out = append(out, h)
		}
	}
	return out
}

// found is which settings a tree has, and how each reads: with a value, absent
// or unsupported.
func found(t *testing.T, dir string) (names []string, line string) {
	t.Helper()
	target, _ := serveTree(t, dir)
	c, err := bmc.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Read(t.Context(), keys(allNames()[1:]...)) {
		how := "value"
		switch {
		case f.Unsupported():
			how = "unsupported"
		case f.Unknown():
			how = "unknown: " + f.Err.Error()
		case f.Value == nil:
			how = "absent"
		}
		names = append(names, f.Key.Name+" "+how)
	}
	for _, q := range c.Quirks() {
		names = append(names, "quirk "+q.Name)
	}
	id, err := c.Identity(t.Context())
	if err != nil {
		id.Line = "unknown: " + err.Error()
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return names, id.Line
}

// TestRedactedTrees plants secrets into the trees of real controllers: none is
// in what is shown, and raiz still finds the same settings in it.
func TestRedactedTrees(t *testing.T) {
	dir := treesDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			at := filepath.Join(dir, e.Name())
			docs := whole(t, at)
			names := own(docs)
			planted := plant(docs)
			out := redact.New(redact.SerialsHidden).Tree(docs)
			text, err := json.MarshalIndent(out, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if left := survives(string(text), planted); len(left) > 0 {
				t.Errorf("of what was planted there is still %q", left)
			}
			low := strings.ToLower(string(text))
			for _, n := range names {
				if strings.Contains(low, strings.ToLower(n)) {
					t.Errorf("of the machine there is still %q", n)
				}
			}
			want, line := found(t, at)
			have, is := found(t, written(t, out, e.Name()))
			if is != line || !slices.Equal(have, want) {
				t.Errorf("read as %s %q\nwant %s %q", is, have, line, want)
			}
		})
	}
}

// TestRedactedServed lets the simulated controller serve what was redacted: the
// same settings read.
func TestRedactedServed(t *testing.T) {
	dir := treesDir(t)
	for _, name := range []string{"dell-idrac9-710-r750", "hpe-ilo6-dl380a-g11", "lenovo-xcc-sr670", "openbmc-stock-2.15", "supermicro-x13-sys821ge"} {
		t.Run(name, func(t *testing.T) {
			var all [2]map[string]bool
			at := filepath.Join(dir, name)
			for i, from := range []string{at, written(t, redact.New(redact.SerialsHidden).Tree(whole(t, at)), name)} {
				here := addressIn(t, from, oldV4.Addr())
				way := factory()
				way.Address = netip.AddrPortFrom(here, 443)
				l := treeLab(t, from, nil, here)
				c := l.open(l.target(way))
				all[i] = map[string]bool{}
				for setting, v := range read(t, c, allNames()[1:]...) {
					all[i][setting] = !slices.Contains(v, "(unsupported)") && !slices.Contains(v, "(unknown)")
				}
				l.close(c)
			}
			equal(t, all[0], all[1])
			if len(all[0]) < 10 {
				t.Errorf("%d settings only", len(all[0]))
			}
		})
	}
}

// own is what a tree of a real machine says of itself, long enough not to be
// there by chance.
func own(docs map[string]redact.Object) []string {
	var out []string
	var walk func(string, any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case redact.Object:
			for k, e := range v {
				walk(k, e)
			}
		case []any:
			for _, e := range v {
				walk(name, e)
			}
		case string:
			a, err := netip.ParseAddr(v)
			address := err == nil && a.IsGlobalUnicast() && slices.Contains([]string{"Address", "Gateway", "StaticNameServers", "NameServers", "DNSServers", "NTPServers"}, name)
			is := slices.Contains([]string{"SerialNumber", "UUID", "MACAddress", "PermanentMACAddress", "HostName", "FQDN", "AssetTag"}, name) && len(v) > 7 || address
			if is && !slices.Contains(out, v) && strings.ContainsAny(v, "0123456789") && !strings.Contains(v, "0000-0000") {
				out = append(out, v)
			}
		}
	}
	for _, d := range docs {
		walk("", d)
	}
	return out
}
