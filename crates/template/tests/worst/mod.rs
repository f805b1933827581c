//! Templates that make as much work as they can for what they are charged: each goes on until a limit ends it.

use std::collections::BTreeMap;

use seal_template::Text;

/// What is done before the loop, and in each of its turns. `.a` is a long text of one letter, `.mixed` one of many.
pub(crate) const WORST: &[(&str, &str, &str)] = &[
    ("an empty loop", "", ""),
    ("text", "", "x"),
    ("a variable", "{{ $x := 1 }}", "{{ $x = $x }}"),
    (
        "constants",
        "",
        "{{ $_ := eq 1 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 }}",
    ),
    (
        "and",
        "",
        "{{ $_ := and 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 }}",
    ),
    (
        "nested calls of functions",
        "",
        "{{ $_ := add1 (add1 (add1 (add1 (add1 (add1 1))))) }}",
    ),
    (
        "calls of a template",
        "{{ define \"t\" }}{{ end }}",
        "{{ template \"t\" }}",
    ),
    (
        "fields",
        "{{ $d := dict \"a\" (dict \"b\" (dict \"c\" 1)) }}",
        "{{ $_ := $d.a.b.c }}",
    ),
    (
        "methods",
        "{{ $t := toDate \"2006\" \"2020\" }}",
        "{{ $_ := $t.Year }}",
    ),
    (
        "methods that are found last",
        "{{ $t := toDate \"2006\" \"2020\" }}",
        "{{ $_ := $t.UTC.MarshalBinary }}",
    ),
    (
        "eq of long texts",
        "{{ $x := print .a \"b\" }}{{ $y := print .a \"c\" }}",
        "{{ $_ := eq $x $y }}",
    ),
    (
        "contains",
        "{{ $x := print .a \"b\" }}{{ $y := trunc 1000 .a }}{{ $y = print $y \"b\" $y }}",
        "{{ $_ := contains $y $x }}",
    ),
    ("upper", "", "{{ $_ := upper $.mixed }}"),
    ("title", "", "{{ $_ := title $.mixed }}"),
    ("camelcase", "", "{{ $_ := camelcase $.mixed }}"),
    ("snakecase", "", "{{ $_ := snakecase $.mixed }}"),
    ("swapcase", "", "{{ $_ := swapcase $.mixed }}"),
    ("nospace", "", "{{ $_ := nospace $.mixed }}"),
    ("initials", "", "{{ $_ := initials $.mixed }}"),
    (
        "trim",
        "{{ $x := repeat 500000 \" \" }}",
        "{{ $_ := trim $x }}",
    ),
    (
        "trimAll",
        "{{ $x := print .a \"b\" }}",
        "{{ $_ := trimAll \"zyxwvutsrqponmlkjihgfedcba\" $x }}",
    ),
    ("trimPrefix", "", "{{ $_ := trimPrefix \"x\" $.a }}"),
    ("substr", "", "{{ $_ := substr 0 1 $.a }}"),
    ("abbrev", "", "{{ $_ := abbrev 10 $.a }}"),
    ("wrap", "", "{{ $_ := wrap 10 $.mixed }}"),
    ("wrapWith", "", "{{ $_ := wrapWith 1 \"\" $.mixed }}"),
    (
        "indent",
        "{{ $x := repeat 1000 \"\\n\" }}",
        "{{ $_ := indent 1 $x }}",
    ),
    (
        "replace that finds nothing",
        "",
        "{{ $_ := replace \"zz\" \"x\" $.a }}",
    ),
    (
        "replace that leaves nothing",
        "",
        "{{ $_ := replace \"a\" \"\" $.a }}",
    ),
    ("splitList", "", "{{ $_ := splitList \"\" $.a }}"),
    ("split", "", "{{ $_ := split \"a\" $.a }}"),
    (
        "join",
        "{{ $l := splitList \"a\" .a }}",
        "{{ $_ := join \"\" $l }}",
    ),
    ("cat", "", "{{ $_ := cat $.a $.a $.a }}"),
    ("quote", "", "{{ $_ := quote $.bin }}"),
    ("squote", "", "{{ $_ := squote $.a 1.1 }}"),
    (
        "print of numbers",
        "{{ $l := list 1.1 2.2e-300 3.3e300 4 5 6 7 8 9 10 }}",
        "{{ $_ := print $l }}",
    ),
    (
        "print of nothing",
        "{{ $l := until 1000 }}",
        "{{ $_ := printf \"%.0s\" $l }}",
    ),
    ("printf of a type", "", "{{ $_ := printf \"%T\" $.a }}"),
    (
        "printf of a short part",
        "",
        "{{ $_ := printf \"%.99999s\" $.a | len }}",
    ),
    (
        "printf of an exact number",
        "",
        "{{ $_ := printf \"%.1100g\" 1.1 }}",
    ),
    (
        "printf of a small exact number",
        "",
        "{{ $_ := printf \"%.767g\" 4.9e-324 }}",
    ),
    (
        "printf of a round exact number",
        "",
        "{{ $_ := printf \"%.1100g\" 1e300 }}",
    ),
    (
        "printf of a large number",
        "",
        "{{ $_ := printf \"%.1100f\" 1.7e308 }}",
    ),
    ("printf with a width", "", "{{ $_ := printf \"%1000d\" 1 }}"),
    (
        "printf of a complex number",
        "",
        "{{ $_ := printf \"%.1100g\" 1i }}",
    ),
    ("printf %x", "", "{{ $_ := printf \"%x\" $.a }}"),
    ("printf %q", "", "{{ $_ := printf \"%q\" $.bin }}"),
    (
        "printf with brackets",
        "{{ $f := repeat 5000 \"%[\" }}",
        "{{ $_ := printf $f }}",
    ),
    (
        "printf of arguments that are missing",
        "{{ $f := repeat 1000 \"%d\" }}",
        "{{ $_ := printf $f }}",
    ),
    ("html", "", "{{ $_ := html $.mixed }}"),
    ("js", "", "{{ $_ := js $.bin }}"),
    ("urlquery", "", "{{ $_ := urlquery $.bin }}"),
    ("sha1sum", "", "{{ $_ := sha1sum $.a }}"),
    ("sha512sum", "", "{{ $_ := sha512sum $.a }}"),
    ("sha512sum of little", "", "{{ $_ := sha512sum \"\" }}"),
    ("adler32sum", "", "{{ $_ := adler32sum $.a }}"),
    ("b64enc", "", "{{ $_ := b64enc $.a }}"),
    (
        "b64dec that fails late",
        "{{ $x := print .a \"!\" }}",
        "{{ $_ := b64dec $x }}",
    ),
    (
        "b32dec that fails late",
        "{{ $x := print (upper .a) \"!\" }}",
        "{{ $_ := b32dec $x }}",
    ),
    (
        "decryptAES",
        "{{ $x := repeat 10000 \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" }}",
        "{{ $_ := decryptAES \"k\" $x }}",
    ),
    ("toJson of little", "", "{{ $_ := toJson 1.1 }}"),
    (
        "toJson that fails late",
        "{{ $l := list .bin .bin (float64 \"nan\") }}",
        "{{ $_ := toJson $l }}",
    ),
    (
        "toPrettyJson that fails late",
        "{{ $l := until 1000 }}{{ $l = list $l $l (float64 \"nan\") }}",
        "{{ $_ := toPrettyJson $l }}",
    ),
    (
        "toJson that is shared and fails late",
        "{{ $l := list 1 }}{{ range 12 }}{{ $l = list $l $l }}{{ end }}{{ $l = list $l (float64 \"nan\") }}",
        "{{ $_ := toJson $l }}",
    ),
    (
        "fromJson that fails late",
        "{{ $x := print \"[\" (repeat 100000 \"1,\") \"x\" }}",
        "{{ $_ := fromJson $x }}",
    ),
    (
        "fromJson of a key that fails late",
        "{{ $x := print \"{\\\"\" .a \"\\\":x\" }}",
        "{{ $_ := fromJson $x }}",
    ),
    (
        "fromJson of long numbers",
        "{{ $x := print \"[\" (repeat 500000 \"1\") \"x\" }}",
        "{{ $_ := fromJson $x }}",
    ),
    ("list", "", "{{ $_ := list 1 2 3 4 5 6 7 8 }}"),
    (
        "first of a long list",
        "{{ $l := until 10000 }}",
        "{{ $_ := first $l }}",
    ),
    ("has", "{{ $l := until 100000 }}", "{{ $_ := has -1 $l }}"),
    (
        "has of long lists",
        "{{ $l := until 100000 }}{{ $m := untilStep 1 100001 1 }}{{ $all := list $m $m $m $m $m $m $m $m }}",
        "{{ $_ := has $l $all }}",
    ),
    (
        "without of equal lists",
        "{{ $l := until 10000 }}{{ $m := until 10000 }}{{ $all := list $m $m $m $m $m $m $m $m }}",
        "{{ $_ := without $all $l }}",
    ),
    ("uniq", "{{ $l := until 1000 }}", "{{ $_ := uniq $l }}"),
    (
        "compact of what is empty",
        "{{ $l := splitList \"a\" .a }}",
        "{{ $_ := compact $l }}",
    ),
    (
        "deepEqual of long texts",
        "{{ $x := print .a \"b\" }}{{ $y := print .a \"c\" }}{{ $x := list $x }}{{ $y := list $y }}",
        "{{ $_ := deepEqual $x $y }}",
    ),
    (
        "deepEqual of dictionaries",
        "{{ $x := split \"a\" .a }}{{ $y := split \"a\" .a }}",
        "{{ $_ := deepEqual $x $y }}",
    ),
    (
        "append in a loop",
        "{{ $l := list }}",
        "{{ $l = append $l 1 }}",
    ),
    (
        "prepend in a loop",
        "{{ $l := list }}",
        "{{ $l = prepend $l 1 }}",
    ),
    (
        "concat",
        "{{ $l := until 1000 }}",
        "{{ $_ := concat $l $l }}",
    ),
    (
        "reverse",
        "{{ $l := until 1000 }}",
        "{{ $_ := reverse $l }}",
    ),
    ("chunk", "{{ $l := until 1000 }}", "{{ $_ := chunk 1 $l }}"),
    (
        "sortAlpha",
        "{{ $l := until 1000 | toStrings }}",
        "{{ $_ := sortAlpha $l }}",
    ),
    (
        "sortAlpha of texts that start alike",
        "{{ $l := list }}{{ range 60 }}{{ $l = append $l (print (trunc 100000 $.a) .) }}{{ end }}{{ $l := toStrings $l }}",
        "{{ $_ := sortAlpha $l }}",
    ),
    ("until", "", "{{ $_ := until 100 }}"),
    ("seq", "", "{{ $_ := seq 100 }}"),
    (
        "toStrings",
        "{{ $l := until 1000 }}",
        "{{ $_ := toStrings $l }}",
    ),
    (
        "range over a list",
        "{{ $l := until 1000 }}",
        "{{ range $l }}{{ end }}",
    ),
    (
        "range over a dictionary",
        "{{ $d := split \"a\" (trunc 1000 .a) }}",
        "{{ range $d }}{{ break }}{{ end }}",
    ),
    (
        "set in a loop",
        "{{ $d := dict }}",
        "{{ $_ := set $d (print .) 1 }}",
    ),
    (
        "get",
        "{{ $d := split \"a\" .a }}",
        "{{ $_ := get (dict \"a\" 1) \"a\" }}",
    ),
    (
        "keys",
        "{{ $d := fromJson \"{\\\"a\\\":1,\\\"b\\\":2,\\\"c\\\":3}\" }}",
        "{{ $_ := keys $d }}",
    ),
    (
        "pick nothing",
        "{{ $d := dict }}{{ range 10000 }}{{ $_ := set $d (print .) . }}{{ end }}",
        "{{ $_ := pick $d }}",
    ),
    (
        "merge",
        "{{ $d := dict }}{{ range 10000 }}{{ $_ := set $d (print .) . }}{{ end }}{{ $e := deepCopy $d }}",
        "{{ $_ := merge $d $e }}",
    ),
    (
        "deepCopy",
        "{{ $d := dict \"a\" (list 1 2 3) }}",
        "{{ $_ := deepCopy $d }}",
    ),
    (
        "int of a long text",
        "{{ $x := print (repeat 500000 \"1\") \"x\" }}",
        "{{ $_ := int $x }}",
    ),
    (
        "float64 of a long text",
        "{{ $x := repeat 500000 \"1\" }}",
        "{{ $_ := float64 $x }}",
    ),
    (
        "float64 of a fraction",
        "{{ $x := print \"0.\" (repeat 700 \"9\") }}",
        "{{ $_ := float64 $x }}",
    ),
    ("toDecimal", "", "{{ $_ := toDecimal $.a }}"),
    ("round", "", "{{ $_ := round 1.5 300 }}"),
    ("addf of far exponents", "", "{{ $_ := addf 1e300 1e-300 }}"),
    ("addf", "", "{{ $_ := addf 1.1 2.2 }}"),
    (
        "mulf",
        "",
        "{{ $_ := mulf 1.23456789e300 1.23456789e300 1.23456789e-300 1.23456789e300 1.23456789e300 1.23456789e300 1.23456789e300 }}",
    ),
    (
        "divf by little",
        "",
        "{{ $_ := divf 1 1e-300 1e-300 1e-300 1e-300 1e-300 1e-300 1e-300 1e-300 1e-300 1e-300 }}",
    ),
    ("divf", "", "{{ $_ := divf 1.1 3.7e300 }}"),
    (
        "toDate",
        "",
        "{{ $_ := toDate \"Mon Jan _2 15:04:05 2006\" \"Mon Jan  2 15:04:05 2006\" }}",
    ),
    (
        "toDate with a long layout",
        "{{ $x := repeat 10000 \"Z0\" }}",
        "{{ $_ := toDate $x \"\" }}",
    ),
    (
        "date",
        "",
        "{{ $_ := date \"Mon Jan _2 15:04:05 2006\" 0 }}",
    ),
    (
        "date with a long layout",
        "{{ $x := repeat 10000 \"Z0\" }}",
        "{{ $_ := date $x 0 }}",
    ),
    (
        "dateInZone",
        "",
        "{{ $_ := dateInZone \"15\" 0 \"Europe/Berlin\" }}",
    ),
    (
        "htmlDateInZone",
        "",
        "{{ $_ := htmlDateInZone 0 \"America/New_York\" }}",
    ),
    (
        "dateInZone of no zone",
        "",
        "{{ $_ := dateInZone \"15\" 0 \"Europe/Nowhere\" }}",
    ),
    ("duration", "", "{{ $_ := duration \"123456\" }}"),
    ("semver", "", "{{ $_ := semver \"1.2.3-alpha.1+x\" }}"),
    (
        "semverCompare",
        "",
        "{{ $_ := semverCompare \">=1.2 <2 || ~3.1\" \"1.2.3\" }}",
    ),
    (
        "semverCompare of many digits",
        "{{ $x := repeat 2000 \"1\" }}",
        "{{ $_ := semverCompare (print $x \" - 2\") \"1.2.3\" }}",
    ),
    (
        "versions in a loop",
        "{{ $v := semver (print \"1.2.3-\" (trunc 10000 .a)) }}",
        "{{ $_ := $v.IncPatch }}{{ $_ := $v.String }}",
    ),
    (
        "urlParse",
        "{{ $x := print \"http://h/\" .a }}",
        "{{ $_ := urlParse $x }}",
    ),
    (
        "urlParse that fails late",
        "{{ $x := print \"http://h/\" .a \"%\" }}",
        "{{ $_ := regexMatch \"(\" \"\" }}{{ $_ := urlParse \"http://u:p@h:1/p?q#f\" }}",
    ),
    (
        "clean",
        "{{ $x := repeat 100000 \"a/../\" }}",
        "{{ $_ := clean $x }}",
    ),
    ("base", "", "{{ $_ := base $.a }}"),
    ("ext", "", "{{ $_ := ext $.a }}"),
    (
        "regexMatch of little",
        "",
        "{{ $_ := regexMatch \"a\" \"a\" }}",
    ),
    ("regexMatch", "", "{{ $_ := regexMatch \"(a*)*b\" $.a }}"),
    (
        "regexMatch of classes",
        "",
        "{{ $_ := regexMatch \"(\\\\pL|\\\\pN)*!\" $.mixed }}",
    ),
    (
        "regexMatch of many ways",
        "",
        "{{ $_ := regexMatch \"(a?){500}a{500}b\" $.a }}",
    ),
    (
        "regexFind of many groups",
        "{{ $x := print \"^b\" (repeat 5000 \"()\") }}",
        "{{ $_ := regexReplaceAll $x $.a \"$1\" }}",
    ),
    (
        "regexReplaceAll of many pieces",
        "{{ $x := repeat 1000 \"$1\" }}",
        "{{ $_ := regexReplaceAll \"(x)?a\" $.a $x }}",
    ),
    (
        "regexReplaceAll of many names",
        "{{ $x := repeat 1000 \"${n}\" }}",
        "{{ $_ := regexReplaceAll \"(?P<n>x)?a\" $.a $x }}",
    ),
    ("regexFindAll", "", "{{ $_ := regexFindAll \"a\" $.a -1 }}"),
    (
        "regexFindAll that looks far",
        "{{ $x := trunc 1000 .a }}",
        "{{ $_ := regexFindAll \".*?b|a\" $x -1 }}",
    ),
    (
        "expressions",
        "",
        "{{ $_ := regexMatch (print \"a(b|c)*d{3}\" .) \"a\" }}",
    ),
    (
        "expressions that repeat",
        "",
        "{{ $_ := regexMatch (print \"(a{30}){30}\" .) \"a\" }}",
    ),
    (
        "expressions without case",
        "",
        "{{ $_ := regexMatch (print \"(?i)1234567890\" .) \"a\" }}",
    ),
    (
        "expressions with classes without case",
        "",
        "{{ $_ := regexMatch (print \"(?i)[a-z]\" .) \"a\" }}",
    ),
    (
        "expressions with tables",
        "",
        "{{ $_ := regexMatch (print \"\\\\pL\\\\p{Cn}\" .) \"a\" }}",
    ),
    (
        "expressions with scripts without case",
        "",
        "{{ $_ := regexMatch (print \"(?i)\\\\p{Greek}\\\\pC\" .) \"a\" }}",
    ),
];

/// A template of one of them.
pub(crate) fn template(before: &str, turn: &str) -> String {
    format!("{before}{{{{ range 100000000 }}}}{turn}{{{{ end }}}}")
}

/// Values that are together as large as a SealedSecret can be.
pub(crate) fn values() -> BTreeMap<Text, Text> {
    let mixed = "Grüße, 世界! fooBar_baz 12 <a href=\"x\">&\n";
    [
        ("a", "a".repeat(400_000).into_bytes()),
        ("mixed", mixed.repeat(200_000 / mixed.len()).into_bytes()),
        ("bin", b"\xff\x00\x01\xe2\x80\xa8".repeat(30_000)),
    ]
    .map(|(name, value)| (Text::from(name), Text::from(value)))
    .into()
}
