package site

import (
	"cmp"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func (c *converter) bmc(raw *rawBMC, operator Profile) *BMC {
	c.mark("bmc", raw.Range)
	link := c.attach(raw.Addresses, raw.Range, "the BMC", bmcClaim, forAccess)
	b := &BMC{
		Unmanaged:    c.unmanaged(raw.Unmanaged),
		Addresses:    values(link.addresses),
		Gateways:     c.gateways(raw.Gateways, link),
		Port:         uint16(c.number(raw.Port, 1, 65535, 443)),
		PowerRestore: PowerRestore(c.oneOf(raw.PowerRestore, string(AlwaysOn), string(AlwaysOn), string(AlwaysOff), string(LastState))),
	}
	c.bmcHelpers(raw, b)
	if _, off := b.Unmanaged["hostname"]; !(off && raw.Hostname == nil) && c.need(raw.Hostname, raw.Range, "hostname", `hostname = "gru1-bmc"`) {
		b.Hostname = c.text(raw.Hostname, hostname).val
	}
	if c.need(raw.Username, raw.Range, "username", `username = "raiz"`) {
		b.Username = c.text(raw.Username, userName()).val
	}
	if c.need(raw.Password, raw.Range, "password", `password = env("BMC_PASSWORD")`) {
		b.Password = c.secret(raw.Password, "bmc.password", loginPassword)
	}
	if raw.Previous != nil {
		b.Previous = c.secret(raw.Previous, "bmc.previous_password", loginPassword)
	}
	c.pin(raw, b)
	c.services(raw, b)
	c.declaredOnce(raw, b)
	b.Hardware = c.hardware(raw.Hardware, operator.Hardware)
	least := operator.Expect
	least.CertificateDays = cmp.Or(least.CertificateDays, expiryDays)
	b.Expect = c.expect(raw.Expect, least)
	if raw.Factory != nil {
		b.Factory = c.factory(raw.Factory, b.Username)
	}
	b.Accounts = c.bmcAccounts(raw.Accounts, b)
	return b
}

// pin converts what the BMC is recognised by. It may be missing until the
// machine is there: MissingSecrets tells.
func (c *converter) pin(raw *rawBMC, b *BMC) {
	c.keep("bmc.certificate", raw.Range)
	if raw.Certificate != nil && raw.CA != nil {
		c.fail(raw.CA.NameRange, problem{"bmc-pin", "two ways to recognise the BMC", "Give either certificate, the fingerprint of its own, or ca, which signed it."})
	}
	if val, ok := c.value(raw.Certificate, cty.String, "a string"); ok {
		at := raw.Certificate.Expr.Range()
		if b.Fingerprint, ok = fingerprint(val.AsString()); !ok {
			c.fail(at, problem{"bmc-pin", "not a fingerprint", `certificate has to be "sha256:" and 64 hexadecimal digits. ` + howToPin})
		}
	}
	if val, ok := c.value(raw.CA, cty.String, "a string"); ok {
		at := raw.CA.Expr.Range()
		if err := checkCA(val.AsString()); err != nil {
			c.fail(at, problem{"bmc-pin", "not a CA certificate", fmt.Sprintf(`ca has to be PEM, for example: ca = file("bmc-ca.pem"). %s`, err)})
			return
		}
		b.CA = []byte(val.AsString())
	}
}

const howToPin = `openssl x509 -noout -fingerprint -sha256 prints it.`

// fingerprint accepts the form of openssl, which has colons, too.
func fingerprint(s string) (string, bool) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	if !ok {
		return "", false
	}
	digits = strings.ToLower(strings.ReplaceAll(digits, ":", ""))
	raw, err := hex.DecodeString(digits)
	return "sha256:" + digits, err == nil && len(raw) == 32
}

func checkCA(text string) error {
	rest, found := []byte(text), 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("There is a %q in it, which does not belong there.", block.Type) //nolint:staticcheck // a sentence of a Detail
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("Certificate %d in it cannot be parsed.", found+1)
		}
		found++
	}
	if found == 0 {
		return fmt.Errorf("There is no certificate in it.")
	}
	return nil
}

func userName() func(string) *problem {
	return shaped("a user name", "write letters, digits and . _ + -", word)
}

// bmcAccounts are those of others: no drift, and never changed.
func (c *converter) bmcAccounts(attr *hcl.Attribute, b *BMC) []string {
	var out []string
	for _, t := range c.texts(attr) {
		why := ""
		switch {
		case strings.EqualFold(t.val, b.Username):
			why = "is username, which raiz sets up"
		case b.Factory != nil && strings.EqualFold(t.val, b.Factory.Username):
			why = "is the user of factory, whose account raiz ends. To keep it, write unmanaged = { \"factory-account\" = \"REASON\" } instead"
		}
		if why != "" {
			c.fail(t.at, problem{"bmc-accounts", "account of raiz's own", fmt.Sprintf("%q %s.", short(t.val), why)})
			continue
		}
		if c.passes(t.at, t.val, userName()) && !slices.Contains(out, t.val) {
			out = append(out, t.val)
		}
	}
	slices.Sort(out)
	return out
}

// factory converts how the BMC answers as delivered. Whether a name in another case
// is another account no two controllers agree on, so that it is written as username
// where it is the same.
func (c *converter) factory(raw *rawFactory, username string) *Factory {
	f := &Factory{}
	if c.need(raw.Address, raw.Range, "address", `address = "192.168.0.120"`) {
		f.Address = c.addr(raw.Address, "the BMC as delivered", forHelper).val
	}
	if c.need(raw.Username, raw.Range, "username", `username = "root"`) {
		f.Username = c.text(raw.Username, userName()).val
		if f.Username != username && strings.EqualFold(f.Username, username) {
			c.fail(raw.Username.Expr.Range(), problem{"bmc-factory", "a name in two cases", fmt.Sprintf("%q and username %q are one account on some controllers and two on others. Write them the same, or take another username.", short(f.Username), short(username))})
		}
	}
	if c.need(raw.Password, raw.Range, "password", `password = env("BMC_FACTORY")`) {
		f.Password = c.secret(raw.Password, "bmc.factory.password", loginPassword)
	}
	return f
}

// addrSpot names the place of an address for the rules of a profile.
func addrSpot(a netip.Addr) string { return "address " + a.String() }
