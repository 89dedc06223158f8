package site

import (
	"fmt"
	"math/big"
	"net/netip"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions returns what a site file may call.
func functions(l *lookups) map[string]function.Function {
	all := l.functions()
	for name, f := range map[string]function.Function{
		"cidrhost":     cidrHostFunc(),
		"cidrnetmask":  cidrNetmaskFunc(),
		"cidrsubnet":   cidrSubnetFunc(),
		"coalesce":     stdlib.CoalesceFunc,
		"compact":      stdlib.CompactFunc,
		"concat":       stdlib.ConcatFunc,
		"contains":     stdlib.ContainsFunc,
		"distinct":     stdlib.DistinctFunc,
		"element":      stdlib.ElementFunc,
		"flatten":      stdlib.FlattenFunc,
		"format":       formatFunc(),
		"join":         stdlib.JoinFunc,
		"keys":         stdlib.KeysFunc,
		"length":       stdlib.LengthFunc,
		"lookup":       stdlib.LookupFunc,
		"lower":        stdlib.LowerFunc,
		"max":          stdlib.MaxFunc,
		"merge":        stdlib.MergeFunc,
		"min":          stdlib.MinFunc,
		"nonsensitive": l.nonsensitiveFunc(),
		"range":        stdlib.RangeFunc,
		"replace":      stdlib.ReplaceFunc,
		"reverse":      stdlib.ReverseListFunc,
		"slice":        stdlib.SliceFunc,
		"sort":         stdlib.SortFunc,
		"split":        stdlib.SplitFunc,
		"substr":       stdlib.SubstrFunc,
		"tolist":       stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tonumber":     stdlib.MakeToFunc(cty.Number),
		"toset":        stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
		"tostring":     stdlib.MakeToFunc(cty.String),
		"trim":         stdlib.TrimFunc,
		"trimprefix":   stdlib.TrimPrefixFunc,
		"trimspace":    stdlib.TrimSpaceFunc,
		"trimsuffix":   stdlib.TrimSuffixFunc,
		"upper":        stdlib.UpperFunc,
		"values":       stdlib.ValuesFunc,
		"zipmap":       stdlib.ZipmapFunc,
	} {
		all[name] = f
	}
	return all
}

func formatFunc() function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: "format", Type: cty.String}},
		VarParam: &function.Parameter{Name: "args", Type: cty.DynamicPseudoType, AllowNull: true},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			// "%99999999d" would make a hundred megabytes out of ten bytes.
			if hasLongWidth(args[0].AsString()) {
				return cty.NilVal, function.NewArgErrorf(0, "a width or precision has at most three digits")
			}
			return stdlib.Format(args[0], args[1:]...)
		},
	})
}

// hasLongWidth reports whether a verb of a format string has a number of more
// than three digits.
func hasLongWidth(layout string) bool {
	verb, digits := false, 0
	for _, r := range layout {
		switch {
		case r >= '0' && r <= '9':
			if digits++; verb && digits > 3 {
				return true
			}
			continue
		case r == '%':
			verb = !verb
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			verb = false
		}
		digits = 0
	}
	return false
}

func cidrHostFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "hostnum", Type: cty.Number}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := prefixArg(args, 0)
			if err != nil {
				return cty.NilVal, err
			}
			num, err := intArg(args, 1)
			if err != nil {
				return cty.NilVal, err
			}
			bits := prefix.Addr().BitLen()
			size := new(big.Int).Lsh(big.NewInt(1), uint(bits-prefix.Bits()))
			if num.Sign() < 0 { // counted from the end
				num = new(big.Int).Add(size, num)
			}
			if num.Sign() < 0 || num.Cmp(size) >= 0 {
				return cty.NilVal, function.NewArgErrorf(1, "%s has only %s addresses", prefix, size)
			}
			return cty.StringVal(offset(prefix.Addr(), num).String()), nil
		},
	})
}

func cidrSubnetFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := prefixArg(args, 0)
			if err != nil {
				return cty.NilVal, err
			}
			extra, err := intArg(args, 1)
			if err != nil {
				return cty.NilVal, err
			}
			num, err := intArg(args, 2)
			if err != nil {
				return cty.NilVal, err
			}
			bits := prefix.Addr().BitLen()
			if extra.Sign() < 0 || extra.Cmp(big.NewInt(int64(bits-prefix.Bits()))) > 0 {
				return cty.NilVal, function.NewArgErrorf(1, "%s can be extended by 0 to %d bits", prefix, bits-prefix.Bits())
			}
			length := prefix.Bits() + int(extra.Int64())
			if num.Sign() < 0 || num.BitLen() > int(extra.Int64()) {
				return cty.NilVal, function.NewArgErrorf(2, "%s has only %s subnets of length %d", prefix,
					new(big.Int).Lsh(big.NewInt(1), uint(extra.Int64())), length)
			}
			addr := offset(prefix.Addr(), new(big.Int).Lsh(num, uint(bits-length)))
			return cty.StringVal(netip.PrefixFrom(addr, length).String()), nil
		},
	})
}

func cidrNetmaskFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "prefix", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			prefix, err := prefixArg(args, 0)
			if err != nil {
				return cty.NilVal, err
			}
			if !prefix.Addr().Is4() {
				return cty.NilVal, function.NewArgErrorf(0, "%s: only IPv4 has netmasks", prefix)
			}
			mask := uint32(0xffffffff) << (32 - prefix.Bits())
			return cty.StringVal(fmt.Sprintf("%d.%d.%d.%d", mask>>24, mask>>16&0xff, mask>>8&0xff, mask&0xff)), nil
		},
	})
}

func prefixArg(args []cty.Value, i int) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(args[i].AsString())
	if err != nil {
		return netip.Prefix{}, function.NewArgErrorf(i, "%q is not an address prefix, such as \"192.0.2.0/24\"%s", short(args[i].AsString()), because(whyNotPrefix(args[i].AsString())))
	}
	return prefix.Masked(), nil
}

// because joins a reason to the end of a sentence that gets its dot later.
func because(why string) string {
	if why == "" {
		return ""
	}
	return "." + strings.TrimSuffix(why, ".")
}

func intArg(args []cty.Value, i int) (*big.Int, error) {
	// Looked at before it is written out: 1e600000000 is short as a float.
	given := args[i].AsBigFloat()
	if given.IsInf() || given.MantExp(nil) > 128 {
		return nil, function.NewArgErrorf(i, "the number is too large for an address")
	}
	num, acc := given.Int(nil)
	if acc != big.Exact {
		return nil, function.NewArgErrorf(i, "a whole number is needed")
	}
	return num, nil
}

// offset adds n, which must not lead out of the address family.
func offset(addr netip.Addr, n *big.Int) netip.Addr {
	raw := addr.AsSlice()
	sum := new(big.Int).Add(new(big.Int).SetBytes(raw), n)
	out, _ := netip.AddrFromSlice(sum.FillBytes(raw))
	return out
}
