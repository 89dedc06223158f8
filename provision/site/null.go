package site

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// null is an argument that is written and has no value.
type null struct {
	block hcl.Pos // where its block begins
	name  string
}

// dropNulls takes the arguments that are null out of a raw struct and all the
// blocks in it: null is as if they were not written, as in Terraform. That is
// done here, once, so that no converter can take null for a value; where one is
// needed, need says so at the very place.
func (c *converter) dropNulls(raw any) {
	c.nulls = map[null]hcl.Range{}
	c.dropNullsIn(reflect.ValueOf(raw))
}

func (c *converter) dropNullsIn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.dropNullsIn(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.dropNullsIn(v.Index(i))
		}
	case reflect.Struct:
		c.dropNullsOf(v)
	}
}

// dropNullsOf looks at the arguments of one block, then at the blocks in it.
func (c *converter) dropNullsOf(v reflect.Value) {
	var block hcl.Range
	if f := v.FieldByName("Range"); f.IsValid() {
		block, _ = f.Interface().(hcl.Range)
	}
	for i := range v.NumField() {
		field := v.Field(i)
		attr, ok := field.Interface().(*hcl.Attribute)
		switch {
		case ok && attr != nil && c.isNull(attr.Expr):
			c.nulls[null{block.Start, attr.Name}] = attr.Expr.Range()
			field.SetZero()
		case ok:
		case field.Kind() == reflect.Pointer, field.Kind() == reflect.Slice:
			c.dropNullsIn(field)
		}
	}
}

// isNull reports whether an expression is null; what cannot be evaluated is
// reported where it is used.
func (c *converter) isNull(expr hcl.Expression) bool {
	switch hcl.UnwrapExpression(expr).(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr:
		return false // never null, and most of what is written
	}
	val, diags := expr.Value(c.ctx)
	return !diags.HasErrors() && val.IsNull()
}
