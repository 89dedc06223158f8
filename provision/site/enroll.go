package site

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Pins are what the machines of a site are recognised by. An empty one is
// left as it is.
type Pins struct {
	Certificate string // of the BMC: "sha256:" and 64 hex digits
	HostKey     string // of the server: "ssh-ed25519 AAAA…"
	Previous    string // the key before it
	Authority   string // which signs host certificates
}

// Pinned says what becomes of a pin that is there already.
type Pinned bool

// A pin that differs is a change of identity: nobody replaces one in passing.
const (
	KeepPinned    Pinned = false
	ReplacePinned Pinned = true
)

// Enroll returns the text of a site file with pins written into one of its
// sites. All else stays as it is, to the byte; a file that was in the layout
// of Format is so afterwards. The positions of its diagnostics name no file.
func Enroll(text []byte, siteName string, pins Pins, pinned Pinned) ([]byte, Diagnostics) {
	e := &enrolment{src: &source{text: text}, pinned: pinned}
	if d := inspect(e.src); d != nil {
		return text, Diagnostics{*d}
	}
	file, diags := hclsyntax.ParseConfig(text, "", hcl.InitialPos)
	if diags.HasErrors() {
		return text, tidy(syntax(e.src, diags))
	}
	block := e.find(file.Body.(*hclsyntax.Body), siteName)
	if block == nil {
		return text, e.diags
	}
	if pins.Certificate != "" {
		if bmc := e.child(block, "bmc"); bmc != nil {
			e.set(bmc, "certificate", pins.Certificate, "password", "username", "hostname", "addresses")
		}
	}
	if pins.HostKey != "" {
		if server := e.child(block, "server"); server != nil {
			if ssh := e.child(server, "ssh"); ssh != nil {
				e.set(ssh, "host_key", pins.HostKey, "identity", "port", "user")
			}
		}
	}
	if e.diags.HasErrors() {
		return text, tidy(e.diags)
	}
	out := e.apply()
	if bytes.Equal(hclwrite.Format(text), text) {
		out = hclwrite.Format(out)
	}
	return out, nil
}

// enrolment collects what is to be written where.
type enrolment struct {
	src    *source
	pinned Pinned
	edits  []edit
	diags  Diagnostics
}

// edit puts text in place of some bytes.
type edit struct {
	from, to int
	text     string
}

func (e *enrolment) fail(at hcl.Range, summary, detail string) {
	pos := position(at)
	e.diags = append(e.diags, Diagnostic{Severity: Error, Rule: "enroll", Summary: summary, Detail: detail, Pos: pos, Source: e.src.line(pos)})
}

func (e *enrolment) find(body *hclsyntax.Body, name string) *hclsyntax.Block {
	for _, b := range body.Blocks {
		if b.Type == "site" && len(b.Labels) == 1 && b.Labels[0] == name {
			return b
		}
	}
	e.fail(body.SrcRange, "site not found", fmt.Sprintf("This file has no block: site %q { ... }. Where a dynamic block makes it, write the pins by hand.", name))
	return nil
}

func (e *enrolment) child(parent *hclsyntax.Block, kind string) *hclsyntax.Block {
	for _, b := range parent.Body.Blocks {
		if b.Type == kind {
			return b
		}
	}
	e.fail(parent.DefRange(), "block not found", fmt.Sprintf("There is no %s block here to write into.", kind))
	return nil
}

// set gives an argument a value, below the last of some neighbours where it
// is new.
func (e *enrolment) set(b *hclsyntax.Block, name, value string, below ...string) {
	if attr, ok := b.Body.Attributes[name]; ok {
		e.replace(attr, value)
		return
	}
	line := fmt.Sprintf("%s = %q\n", name, value)
	for _, n := range below {
		if attr, ok := b.Body.Attributes[n]; ok && e.ownLines(attr) {
			e.insert(attr.SrcRange.Start.Byte, e.endOfLine(attr.SrcRange.End.Byte), line)
			return
		}
	}
	open := b.OpenBraceRange
	if b.CloseBraceRange.Start.Line == open.Start.Line {
		e.fail(b.DefRange(), "block on one line", fmt.Sprintf("Give %s lines of its own, or write this into it: %s", b.Type, strings.TrimSpace(line)))
		return
	}
	at := e.endOfLine(open.End.Byte)
	indent := e.indent(b.TypeRange.Start.Byte)
	e.edits = append(e.edits, edit{at, at, indent + "  " + line})
}

// replace puts a literal in place of another one. An expression is left to
// whoever wrote it.
func (e *enrolment) replace(attr *hclsyntax.Attribute, value string) {
	have, diags := attr.Expr.Value(nil)
	if diags.HasErrors() || have.IsNull() || have.Type() != cty.String || !have.IsKnown() {
		e.fail(attr.Expr.Range(), "pin is computed", fmt.Sprintf("%s is not written here as a text; where it comes from, write %q.", attr.Name, value))
		return
	}
	if samePin(attr.Name, have.AsString(), value) {
		return
	}
	if e.pinned == KeepPinned {
		e.fail(attr.Expr.Range(), "another pin is written here", fmt.Sprintf(
			"The machine shows %s. Either something else answers there, or it was replaced or installed anew: find out on site. --replace writes the new one.", value))
		return
	}
	r := attr.Expr.Range()
	e.edits = append(e.edits, edit{r.Start.Byte, r.End.Byte, fmt.Sprintf("%q", value)})
}

// samePin compares what is written with what is shown: a fingerprint may have
// colons, a host key a comment.
func samePin(name, have, shown string) bool {
	if name == "certificate" {
		f, ok := fingerprint(have)
		return ok && f == shown
	}
	key, why := parseHostKey(have)
	return why == "" && key == shown
}

// ownLines reports whether an argument shares its lines with nothing else.
func (e *enrolment) ownLines(attr *hclsyntax.Attribute) bool {
	start := attr.SrcRange.Start.Byte
	return strings.TrimSpace(e.indentText(start)) == "" && e.endOfLine(attr.SrcRange.End.Byte) > 0
}

func (e *enrolment) insert(like, at int, line string) {
	e.edits = append(e.edits, edit{at, at, e.indent(like) + line})
}

func (e *enrolment) indentText(at int) string {
	return string(e.src.text[bytes.LastIndexByte(e.src.text[:at], '\n')+1 : at])
}

// indent is the white space in front of a place.
func (e *enrolment) indent(at int) string {
	s := e.indentText(at)
	return s[:len(s)-len(strings.TrimLeft(s, " \t"))]
}

// endOfLine is the place behind the line end that follows.
func (e *enrolment) endOfLine(at int) int {
	if i := bytes.IndexByte(e.src.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(e.src.text)
}

// apply makes the edits, which do not overlap, from the last to the first.
func (e *enrolment) apply() []byte {
	slices.SortFunc(e.edits, func(a, b edit) int { return b.from - a.from })
	out := bytes.Clone(e.src.text)
	for _, ed := range e.edits {
		out = slices.Replace(out, ed.from, ed.to, []byte(ed.text)...)
	}
	return out
}
