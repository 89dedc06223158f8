package site

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/raiz-dns/raiz/provision/secret"
)

// secret returns a value that is never printed: exactly what one call of env,
// file or exec gives, never a part of it and never joined with anything, since
// what is joined can be told apart by where it is sent. check sees the text and
// must not repeat it. A secret that is not there is no problem yet.
func (c *converter) secret(attr *hcl.Attribute, name string, check func(string) *problem) secret.Value {
	if attr == nil {
		return secret.Value{}
	}
	at := attr.Expr.Range()
	c.keep(name, at)
	if lookupCall(attr.Expr) == "" && callsLookup(hcl.UnwrapExpression(attr.Expr)) {
		c.failWithout(at, inPieces(attr.Name))
		return secret.Value{}
	}
	raw, diags := attr.Expr.Value(c.ctx)
	if diags.HasErrors() && c.namesNoLocal(attr.Expr) {
		return secret.Value{}
	}
	if diags.HasErrors() {
		c.diags = append(c.diags, withoutValues(fromHCL(c.src, diags), diags)...)
		return secret.Value{}
	}
	val, from := originsOf(raw)
	switch refs := referencesIn(raw); {
	case len(refs) == 1 && val.Type() == referenceType && val.IsKnown() && !val.IsNull():
		return c.refer(refs[0], name, check)
	case len(refs) > 0:
		c.failWithout(at, inPieces(attr.Name))
		return secret.Value{}
	case !val.IsWhollyKnown() && len(from) == 0:
		c.unknown(attr)
		return secret.Value{}
	}
	if val.IsNull() || val.Type() != cty.String {
		c.fail(at, problem{"type", "wrong type", fmt.Sprintf(`%s has to be a string, for example: %s = env("NAME")`, attr.Name, attr.Name)})
		return secret.Value{}
	}
	return c.fileSecret(attr, val, from, check)
}

func inPieces(name string) problem {
	return problem{"secret-whole", "secret not taken whole", fmt.Sprintf(
		`A secret is what one call gives, whole: %s = env("NAME"), or a local that is one. Keep it where it is looked up in the form that is needed.`, name)}
}

// refer promises a secret: it is looked up when the site is planned.
func (c *converter) refer(r *reference, name string, check func(string) *problem) secret.Value {
	c.references = append(c.references, spotted{name, r})
	site, from, looked := c.siteName, c.lookup, c.looked
	return secret.Later(r.source(), func() (string, error) {
		if from == nil {
			return looked.text(site, r, nil)
		}
		text, err := looked.text(site, r, from(site))
		if err != nil || text == "" {
			return "", err
		}
		if p := check(text); p != nil {
			return "", unfit{*p}
		}
		return text, nil
	})
}

// unfit says that a secret was found and cannot be used.
type unfit struct{ problem problem }

func (u unfit) Error() string {
	return u.problem.summary + ": " + strings.TrimSuffix(u.problem.detail, ".")
}

// fileSecret is a secret that stands in a file of the site folder.
func (c *converter) fileSecret(attr *hcl.Attribute, val cty.Value, from []*origin, check func(string) *problem) secret.Value {
	at := attr.Expr.Range()
	switch {
	case len(from) == 0:
		c.failWithout(at, problem{"secret-literal", "secret written in the file", fmt.Sprintf(
			`%s has to be looked up, because site files are kept and shared: %s = env("NAME"), file("PATH") or exec("PROGRAM", ...).`,
			attr.Name, attr.Name)})
		return secret.Value{}
	case len(from) > 1, from[0].err == nil && (!val.IsKnown() || val.AsString() != from[0].text):
		c.failWithout(at, inPieces(attr.Name))
		return secret.Value{}
	}
	o := from[0]
	c.looked.note(c.looked.kept, o)
	switch {
	case o.err != nil:
		return secret.Missing(o.source, o.err)
	case o.text == "":
		return secret.Missing(o.source, errors.New("it is empty"))
	}
	if p := check(o.text); p != nil {
		c.fail(at, *p)
	}
	return secret.New(o.source, o.text)
}

// failWithout reports a problem without repeating the line it is on.
func (c *converter) failWithout(at hcl.Range, p problem) {
	c.diags = append(c.diags, Diagnostic{Severity: Error, Rule: p.rule, Summary: p.summary, Detail: p.detail, Pos: position(at)})
}

// withoutValues replaces the details that may quote what was typed in.
func withoutValues(out Diagnostics, in hcl.Diagnostics) Diagnostics {
	for i, d := range in {
		if repeatsValue(d.Summary) {
			out[i].Detail = `The value cannot be computed. Look it up in one step, for example: password = env("NAME").`
		}
	}
	return out
}

func printed(name, source string) problem {
	return problem{"secret-printed", "secret in a printed argument", fmt.Sprintf(
		"%s is printed in plans and files, so it cannot come from %s.", name, source)}
}
