package templates

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
)

// parsed is a template as text/template reads it, with these functions more.
func parsed(name, text string, b *budget, more template.FuncMap) (*template.Template, error) {
	return template.New(name).Option("missingkey=error").Funcs(b.functions()).Funcs(more).Parse(text)
}

// compile reads a template so that it ends: text/template cannot be
// interrupted from outside, so every body of a range and every template that
// may be called pays for itself before it is carried out.
func compile(name, text string, b *budget) (*template.Template, error) {
	t, err := parsed(name, text, b, nil)
	if err != nil {
		return nil, err
	}
	for _, one := range t.Templates() {
		if one.Tree == nil || one.Root == nil {
			continue
		}
		weigh(one.Root)
		if err := pays(one.Root); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// pays puts the price of a list of nodes at its head.
func pays(list *parse.ListNode) error {
	call := fmt.Sprintf("{{ %s %d }}", spend, weight(list))
	trees, err := parse.Parse(spend, call, "", "", map[string]any{spend: func() {}})
	if err != nil {
		return err
	}
	list.Nodes = append([]parse.Node{trees[spend].Root.Nodes[0]}, list.Nodes...)
	return nil
}

// weigh has every body of a range below a node pay.
func weigh(node parse.Node) {
	branch := func(b *parse.BranchNode) {
		weigh(b.List)
		if b.ElseList != nil {
			weigh(b.ElseList)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			weigh(one)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
		if err := pays(n.List); err != nil {
			panic("templates: " + err.Error()) // the text of the call is ours
		}
	}
}

// weight is how many nodes are carried out at most where no range and no call
// of a template is among them.
func weight(node parse.Node) int {
	branch := func(b *parse.BranchNode) int {
		n := 1 + weight(b.Pipe) + weight(b.List)
		if b.ElseList != nil {
			n += weight(b.ElseList)
		}
		return n
	}
	total := 1
	switch n := node.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			total += weight(one)
		}
	case *parse.ActionNode:
		total += weight(n.Pipe)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			total += weight(n.Pipe)
		}
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				total += weight(arg)
			}
		}
	case *parse.ChainNode:
		total += weight(n.Node)
	case *parse.IfNode:
		return branch(&n.BranchNode)
	case *parse.WithNode:
		return branch(&n.BranchNode)
	case *parse.RangeNode:
		return branch(&n.BranchNode)
	}
	return total
}

// onePipeline refuses what is more than one pipeline, such as one that ends
// the action which it is put into.
func onePipeline(word, text string) error {
	t, err := parsed(word, "{{ "+text+" }}", new(budget), nil)
	if err != nil {
		return fmt.Errorf("%s = %q: %w", word, text, err)
	}
	if t.Tree != nil && len(t.Root.Nodes) == 1 && len(t.Templates()) == 1 {
		if n, ok := t.Root.Nodes[0].(*parse.ActionNode); ok && len(n.Pipe.Decl) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s = %q is not one pipeline, such as \".DNS.Verified\"", word, text)
}

var noField = regexp.MustCompile(`^template: (.*): executing ".*" at <(.*)>: can't evaluate field (\S+) in type `)

// worded is an error of text/template for somebody who has not seen the Go of
// the values.
func worded(name string, err error) error {
	if err == nil {
		return nil
	}
	for _, bound := range []error{errBudget, errText} {
		if errors.Is(err, bound) {
			return fmt.Errorf("%s: %w", name, bound)
		}
	}
	m := noField.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	value := "." + m[3]
	if strings.HasSuffix(m[2], value) {
		value = m[2]
	}
	return fmt.Errorf("%s: there is no %s; docs/packs.md has the values", m[1], value)
}
