package site

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// habit says what to write where somebody has written what other tools that
// speak HCL have, or has misspelt a local; "" where there is nothing to say.
func habit(d *hcl.Diagnostic) string {
	switch d.Summary {
	case "Unsupported block type":
		if m := blockType.FindStringSubmatch(d.Detail); m != nil {
			return blockHabit(m[1])
		}
	case "Unknown variable", "Unsupported attribute", "Variables not allowed":
		if ref := referenceAt(d); ref != nil {
			return variableHabit(ref, d.EvalContext)
		}
	}
	return ""
}

var blockType = regexp.MustCompile(`^Blocks of type "([^"]*)"`)

// blockHabit is for the blocks of Terraform.
func blockHabit(kind string) string {
	const shared = " The files of one folder count as one, so that all sites share their locals."
	switch kind {
	case "variable":
		return `There are no variables. Write a named value: locals { lan = "192.0.2.0/24" }, and use it as local.lan.` + shared
	case "local":
		return `The block is called locals, and its values are used as local.NAME.`
	case "module":
		return `There are no modules. What sites have in common is written in a locals block of the same folder.` + shared
	case "data", "resource":
		return fmt.Sprintf(`There are no %s blocks. What is looked up is env("NAME"), file("PATH") or exec("PROGRAM", ...), in a secret argument.`, kind)
	case "provider", "terraform", "output", "moved", "import":
		return fmt.Sprintf("There are no %s blocks. A file holds locals and sites.", kind)
	case "sites":
		return `The block is called site: site "gru1" { ... }`
	}
	return ""
}

// variableHabit is for references to what is not there.
func variableHabit(ref hcl.Traversal, ctx *hcl.EvalContext) string {
	name := memberOf(ref)
	or := func(otherwise string) string {
		if name == "" {
			return otherwise
		}
		return name
	}
	switch ref.RootName() {
	case "local":
		return noSuchLocal(name, localNames(ctx))
	case "locals":
		return fmt.Sprintf("A named value is used as local.%s, without an s.", or("NAME"))
	case "env":
		return fmt.Sprintf("Variables of the environment are looked up by a function, in a secret argument: env(%q).", or("NAME"))
	case "var":
		return fmt.Sprintf("There are no variables. Declare a named value, locals { %s = ... }, and write local.%s.", or("name"), or("name"))
	case "module", "data", "resource":
		return fmt.Sprintf("There is no %s. What sites have in common is a named value of a locals block: local.NAME.", ref.RootName())
	case "each":
		return "There is no each. In a dynamic block the element is named by the block: in dynamic \"zone\" it is zone.value, and zone.key."
	case "count", "self", "path", "terraform":
		return fmt.Sprintf("There is no %s. Names of files start at the folder of this file; a dynamic block makes several of a kind.", ref.RootName())
	}
	if len(ref) == 1 {
		return fmt.Sprintf("There is no variable named %q. If it is meant as text, write it in quotes: %q. A named value is local.%s.", ref.RootName(), ref.RootName(), ref.RootName())
	}
	return ""
}

// localNames are the locals that can be seen from an expression.
func localNames(ctx *hcl.EvalContext) []string {
	local := rootValue("local", ctx)
	if !local.IsKnown() || local.IsNull() || !local.Type().IsObjectType() {
		return nil
	}
	return slices.Sorted(maps.Keys(local.Type().AttributeTypes()))
}

// referenceAt is the reference that a diagnostic is about.
func referenceAt(d *hcl.Diagnostic) hcl.Traversal {
	if d.Expression == nil || d.Subject == nil {
		return nil
	}
	for _, ref := range d.Expression.Variables() {
		if r := ref.SourceRange(); r.Start.Byte <= d.Subject.Start.Byte && d.Subject.End.Byte <= r.End.Byte {
			return ref
		}
	}
	return nil
}
