package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// expiryDays is how many days before the end of its certificate a controller is
// warned of: an import that needs somebody on site takes some weeks.
const expiryDays = 30

// expect converts what a server and its controller have to be like; what raw
// does not say is as in least. Of an event log all is the site's or all the
// profile's.
func (c *converter) expect(raw *rawExpect, least Expect) Expect {
	if raw == nil {
		return least
	}
	e := least
	if raw.Firmware != nil {
		e.Firmware = c.text(raw.Firmware, version()).val
	}
	if raw.BIOS != nil {
		e.BIOS = c.text(raw.BIOS, version()).val
	}
	if raw.Licences != nil {
		e.Licences = c.licences(raw.Licences)
	}
	if raw.SecureBoot != nil {
		e.SecureBoot = "off"
		if c.flag(raw.SecureBoot) {
			e.SecureBoot = "on"
		}
	}
	e.TPM = c.oneOf(raw.TPM, least.TPM, "1.2", "2.0")
	e.CertificateDays = int(c.number(raw.CertificateDays, 1, 3650, int64(least.CertificateDays)))
	if raw.EventLog != nil {
		e.EventLog = c.eventLog(raw.EventLog)
	}
	return e
}

// version checks a version as a controller writes it: "7.10.50.00", "iLO 5
// v2.72", "2.14.0-dev-686-g100c36de90".
func version() func(string) *problem {
	check := ascii("A version", maxName)
	return func(s string) *problem {
		if p := check(s); p != nil {
			return p
		}
		if !strings.ContainsAny(s, "0123456789") {
			return &problem{"expect", "not a version", fmt.Sprintf(
				`%q has no number in it: write the least version as the controller writes it, for example: "7.10.50.00".`, short(s))}
		}
		return nil
	}
}

// licences are words of which all have to be in what the controller calls a
// licence; one of the list is enough.
func (c *converter) licences(attr *hcl.Attribute) []string {
	out := []string{}
	for _, t := range c.texts(attr) {
		if c.passes(t.at, t.val, ascii("A licence", maxName)) && !slices.Contains(out, t.val) {
			out = append(out, t.val)
		}
	}
	return out
}

func (c *converter) eventLog(raw *rawEventLog) *EventLog {
	log := &EventLog{Severity: c.oneOf(raw.Severity, "warning", "warning", "critical")}
	if raw.Log != nil {
		log.Log = c.text(raw.Log, ascii("The name of a log", maxName)).val
	}
	c.text(raw.Since, func(s string) *problem {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			log.Since = t.UTC()
			return nil
		}
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			log.Age = d
			return nil
		}
		return &problem{"expect", "neither a time nor an age", fmt.Sprintf(
			`since is %q: write a time such as "2026-11-01T00:00:00Z", or how long ago in hours, such as "720h".`, short(s))}
	})
	return log
}
