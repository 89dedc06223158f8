package site

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The parser and the evaluator recurse, and Go cannot recover from a full
// stack. Both bounds are far above what a person writes: the deepest example
// nests nine levels.
const (
	maxDepth     = 48  // brackets, blocks, quotes and interpolations
	maxOperators = 200 // in one expression, on one level
)

// inspect looks at a file before it is parsed: it notes the lines that may
// hold a secret, and returns where the file nests deeper than raiz parses.
func inspect(src *source) *Diagnostic {
	tokens, _ := hclsyntax.LexConfig(src.text, src.name, hcl.InitialPos)
	src.hidden = typedSecrets(tokens)
	at, ok := tooDeep(tokens)
	if !ok {
		return nil
	}
	d := fileProblem(src.name, "nested too deeply", fmt.Sprintf(
		"Here are more than %d levels of brackets or more than %d operators in one expression. Use locals.", maxDepth, maxOperators))
	d.Pos = position(at)
	d.Source = src.line(d.Pos)
	return &d
}

// tooDeep finds the token where the nesting gets too deep. Depth comes from
// brackets, and from chains of operators, of which each may add a level.
func tooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	operators := []int{0}
	for i, tok := range tokens {
		top := len(operators) - 1
		switch d := bracket(tok.Type); {
		case d > 0:
			operators[top] += opens(tok.Type)
			operators = append(operators, 0)
		case d < 0 && top > 0:
			operators = operators[:top]
		case tok.Type == hclsyntax.TokenComma:
			operators[top] = 0
		case tok.Type == hclsyntax.TokenNewline:
			// Inside parentheses an expression goes on after a newline.
			if !joins(tokens, i) {
				operators[top] = 0
			}
		case isOperator(tok.Type):
			operators[top]++
		}
		if len(operators) > maxDepth || operators[len(operators)-1] > maxOperators || operators[max(0, len(operators)-2)] > maxOperators {
			return tok.Range, true
		}
	}
	return hcl.Range{}, false
}

// opens counts what adds a level next to the bracket itself: an index, a call
// or the "if" of a template may follow one another in a chain.
func opens(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOBrack, hclsyntax.TokenTemplateControl:
		return 1
	}
	return 0
}

func isOperator(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenColon, hclsyntax.TokenDot, hclsyntax.TokenFatArrow:
		return true
	}
	return false
}

// joins reports whether the newline at i may stand inside an expression.
func joins(tokens hclsyntax.Tokens, i int) bool {
	if i > 0 && isOperator(tokens[i-1].Type) {
		return true
	}
	for _, next := range tokens[i+1:] {
		switch next.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			continue
		}
		return isOperator(next.Type) || opens(next.Type) > 0
	}
	return false
}
