package site

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// loadProfiles reads the operator profiles. A profile is data: it says which
// requirements hold and how severe they are; what a requirement means is in
// requirements.go.
func loadProfiles(fsys fs.FS, l *loader) (map[string]Profile, Diagnostics) {
	profiles := map[string]Profile{}
	if fsys == nil {
		return profiles, nil
	}
	names, err := siteFiles(fsys, ".")
	if err != nil {
		return profiles, Diagnostics{Unreadable("operators", err)}
	}
	var diags Diagnostics
	for _, n := range names {
		src, problem := readSource(fsys, n)
		if problem != nil {
			problem.Pos.File = path.Join("operators", n)
			diags = append(diags, *problem)
			profiles[strings.TrimSuffix(n, ".hcl")] = Profile{}
			continue
		}
		src.name = path.Join("operators", n)
		p, more := loadProfile(src, strings.TrimSuffix(n, ".hcl"), l)
		diags = append(diags, more...)
		if more.HasErrors() {
			p = Profile{}
		}
		profiles[strings.TrimSuffix(n, ".hcl")] = p
	}
	return profiles, diags
}

func loadProfile(src *source, fileName string, l *loader) (Profile, Diagnostics) {
	c := newConverter(src, l)
	none := Profile{Name: fileName}
	if d := inspect(src); d != nil {
		return none, Diagnostics{*d}
	}
	file, diags := hclsyntax.ParseConfig(src.text, src.name, hcl.InitialPos)
	if diags.HasErrors() {
		return none, syntax(src, diags)
	}
	var raw rawProfileFile
	c.diags = fromHCL(src, gohcl.DecodeBody(file.Body, nil, &raw))
	c.dropNulls(&raw)
	if len(raw.Profiles) != 1 || raw.Profiles[0].Name != fileName {
		at := hcl.Range{Filename: src.name, Start: hcl.InitialPos, End: hcl.InitialPos}
		c.fail(at, problem{"profile", "not an operator profile", fmt.Sprintf(
			"This file has to hold exactly one block: profile %q { ... }", fileName)})
		return none, c.diags
	}
	return c.profile(&raw.Profiles[0]), c.diags
}

func (c *converter) profile(raw *rawProfile) Profile {
	p := Profile{Name: c.label(raw.Name, raw.NameRange, name("an operator profile")).val}
	if c.need(raw.Title, raw.Range, "title", `title = "Example"`) {
		p.Title = c.text(raw.Title, plain("A title", maxIdentity)).val
	}
	var ids []given[string]
	for i := range raw.Rules {
		r := &raw.Rules[i]
		ids = append(ids, given[string]{r.ID, r.IDRange, true})
		req, ok := c.rules[r.ID]
		if !ok {
			c.fail(r.IDRange, problem{"profile", "unknown rule", fmt.Sprintf(
				"There is no rule %q.%s", r.ID, didYouMean(r.ID, slices.Sorted(maps.Keys(c.rules))))})
			continue
		}
		p.Rules = append(p.Rules, c.rule(r, req))
	}
	c.unique("rule", ids)
	slices.SortFunc(p.Rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	p.Hardware = c.hardware(raw.Hardware, Hardware{})
	p.Expect = c.expect(raw.Expect, Expect{})
	if raw.Limit != nil {
		p.RateLimit = c.rateLimit(raw.Limit, RateLimit{})
	}
	if raw.Components != nil {
		p.Components = map[string]string{}
		for _, set := range raw.Components.kinds() {
			if got := c.text(set.attr, c.pack(set.kind)); got.ok {
				p.Components[set.kind] = got.val
			}
		}
	}
	return p
}

// rule converts a rule. Source and date are obligatory: operators change
// their rules, and a reader has to be able to look them up.
func (c *converter) rule(raw *rawRule, req requirement) Rule {
	r := Rule{ID: raw.ID, Severity: Error}
	if c.oneOf(raw.Severity, "error", "error", "warning") == "warning" {
		r.Severity = Warning
	}
	if c.need(raw.Source, raw.Range, "source", `source = "https://example.net/hosting"`) {
		r.Source = c.text(raw.Source, plain("A source", maxIdentity)).val
	}
	if c.need(raw.AsOf, raw.Range, "as_of", `as_of = "2026-11-23"`) {
		r.AsOf = c.text(raw.AsOf, shaped("a date", "write it as 2026-11-23", func(s string) bool {
			_, err := time.Parse(time.DateOnly, s)
			return err == nil
		})).val
	}
	r.Value = c.text(raw.Value, func(s string) *problem {
		if req.value == nil || !req.value(s) {
			return &problem{"profile", "value does not fit the rule", fmt.Sprintf("%q is not what %s compares with.", s, raw.ID)}
		}
		return nil
	}).val
	if raw.Value == nil && req.value != nil {
		c.need(nil, raw.Range, "value", `value = "..."`)
	}
	return r
}

// operator returns the profile of a site with the site's overrides.
func (c *converter) operator(raw *rawSite) Profile {
	at, wanted := raw.Range, defaultOperator
	if raw.Operator != nil {
		got := c.text(raw.Operator, name("an operator"))
		if !got.ok {
			return Profile{}
		}
		at, wanted = got.at, got.val
	}
	p, ok := c.profiles[wanted]
	if !ok {
		c.fail(at, problem{"operator", "unknown operator", fmt.Sprintf(
			"There is no profile for the operator %q.%s", wanted, didYouMean(wanted, slices.Sorted(maps.Keys(c.profiles))))})
		return Profile{Name: wanted}
	}
	if p.Name == "" {
		c.broken = true // reported with the profile
		return p
	}
	p.Overrides = c.overrides(raw.Overrides, p)
	return p
}

func (c *converter) overrides(raw []rawOverride, p Profile) map[string]string {
	if len(raw) == 0 {
		return nil
	}
	var known []string
	for _, r := range p.Rules {
		known = append(known, r.ID)
	}
	out := map[string]string{}
	var ids []given[string]
	for i := range raw {
		o := &raw[i]
		ids = append(ids, given[string]{o.Rule, o.RuleRange, true})
		c.mark("override."+o.Rule, o.Range)
		if !slices.Contains(known, o.Rule) {
			c.fail(o.RuleRange, problem{"override", "nothing to override", fmt.Sprintf(
				"The operator %q has no rule %q.%s", p.Name, o.Rule, didYouMean(o.Rule, known))})
			continue
		}
		if c.need(o.Reason, o.Range, "reason", `reason = "the operator agreed on 2026-11-23"`) {
			out[o.Rule] = c.text(o.Reason, plain("A reason", maxIdentity)).val
		}
	}
	c.unique("override", ids)
	return out
}

// require applies the rules of the operator.
func (c *converter) require(s *Site) {
	if c.broken || c.diags.HasErrors() || c.decoded.HasErrors() {
		return // half a site breaks rules that the whole one keeps
	}
	for _, rule := range s.Operator.Rules {
		req := c.rules[rule.ID]
		broken := req.check(s, rule.Value)
		_, overridden := s.Operator.Overrides[rule.ID]
		switch {
		case overridden && len(broken) == 0:
			c.reportAt(Warning, "override."+rule.ID, problem{"override", "nothing to override",
				fmt.Sprintf("The site keeps the rule %q. Take the override out.", rule.ID)})
		case overridden:
		default:
			for _, b := range broken {
				c.reportAt(rule.Severity, b.spot, problem{rule.ID, req.summary, fmt.Sprintf(
					"%s Asked for by %s (%s, as of %s).", b.detail, s.Operator.Name, rule.Source, rule.AsOf)})
			}
		}
	}
}
