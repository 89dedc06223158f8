// Package nesting finds HCL that nests deeper than raiz parses, in its tokens
// and so before a parser sees it.
package nesting

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of a file. The parser and the evaluator recurse, and Go cannot recover from a full
// stack. Both bounds are far above what a person writes: the deepest example
// nests nine levels.
const (
	MaxDepth     = 48  // brackets, blocks, quotes and interpolations
	MaxOperators = 200 // in one expression, on one level
)

// TooDeep finds the token where the nesting gets too deep. Depth comes from
// brackets, and from chains of operators, of which each may add a level.
func TooDeep(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	operators := []int{0}
	for i, tok := range tokens {
		top := len(operators) - 1
		switch d := Bracket(tok.Type); {
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
		if len(operators) > MaxDepth || operators[len(operators)-1] > MaxOperators || operators[max(0, len(operators)-2)] > MaxOperators {
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

// Bracket returns +1 for a token that opens something and -1 for its end.
func Bracket(t hclsyntax.TokenType) int {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return 1
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return -1
	}
	return 0
}
