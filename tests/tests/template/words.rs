//! What random templates are made of.

pub(crate) const FIELDS: [&str; 25] = [
    ".user",
    ".empty",
    ".num",
    ".multi",
    ".html",
    ".bin",
    ".unicode",
    ".float",
    ".csv",
    ".json",
    ".neg",
    ".yaml",
    ".crlf",
    ".octal",
    ".hex",
    ".exponent",
    ".nan",
    ".spaces",
    ".date",
    ".version",
    ".base64",
    ".nul",
    ".big",
    ".huge",
    ".missing",
];
/// Those that are texts.
pub(crate) const PRESENT: usize = 24;
pub(crate) const TEXTS: [&str; 20] = [
    r#""""#,
    r#""a""#,
    r#""abc""#,
    r#"",""#,
    r#""42""#,
    r#""-1.50""#,
    r#""0x1F""#,
    r#""1.2.3""#,
    r#""a,b,,c""#,
    r#""Hello World""#,
    r#""fooBarBaz_qux 12""#,
    r#""é世\U0001F600""#,
    r#""\xff\x00z""#,
    r#""a\n\tb\\\"""#,
    "`raw\\n`",
    r#""{\"a\": [1, null]}""#,
    r#""YWJj""#,
    r#""/a/../b.c""#,
    r#""http://u:p@h:1/p?q#f""#,
    r#""<b>&'x'</b>""#,
];
pub(crate) const FORMATS: [&str; 16] = [
    r#""%v""#,
    r#""%s|%d""#,
    r#""%q""#,
    r#""%x %X""#,
    r#""%5.2f|""#,
    r#""%+v %#v""#,
    r#""%T""#,
    r#""%05d|%-5d|%+d""#,
    r#""%t""#,
    r#""%e %g""#,
    r#""%c %U""#,
    r#""%*d""#,
    r#""%[2]v %[1]v""#,
    r#""%!""#,
    r#""%6.3s|""#,
    r#""% x|%#x|%o|%b""#,
];
pub(crate) const NUMBERS: [&str; 14] = [
    "0", "1", "2", "3", "-1", "7", "10", "0x1F", "'a'", "1.5", "-0.25", "1e3", "100.0", "1_0",
];
pub(crate) const DATES: [&str; 5] = [
    "0",
    "1700000000",
    "(int64 -5)",
    r#"(toDate "2006-01-02" "2020-02-29")"#,
    r#"(toDate "2006-01-02 -0700" "1999-12-31 +0130")"#,
];
/// Values with methods, and what these give.
pub(crate) const OBJECTS: [&str; 18] = [
    r#"(toDate "2006-01-02" "2020-02-29")"#,
    r#"(toDate "2006-01-02" .date)"#,
    r#"((toDate "2006-01-02" "2020-02-29").AddDate 1 -2 40)"#,
    r#"((toDate "2006-01-02 -0700" "1999-12-31 +0130").Add 3600000000001)"#,
    r#"((toDate "2006-01-02" "2020-02-29").Sub (toDate "2006" "2019"))"#,
    r#"(((toDate "2006-01-02" "2020-02-29").Sub (toDate "2006" "2019")).Hours)"#,
    r#"((toDate "2006-01-02" "2020-02-29").Truncate 86400000000000)"#,
    r#"((toDate "2006-01-02" "2020-02-29").Format "Mon _2 Jan 06 .000")"#,
    r#"((toDate "2006-01-02" .date).Weekday)"#,
    r#"((toDate "2006-01-02 MST" "2020-02-29 CET").Month)"#,
    r#"((toDate "2006-01-02" "2020-02-29").Before (toDate "2006" "2021"))"#,
    r#"((toDate "2006-01-02" "2020-02-29").Unix)"#,
    r#"(semver "v1.2.3-rc.1+b")"#,
    "(semver .version)",
    r#"((semver "1.2.3-rc.1").IncPatch)"#,
    r#"((semver "1.2.3").IncMinor.Minor)"#,
    r#"((semver "1.2.3").SetPrerelease "b.2")"#,
    r#"((semver "1.2.3").Compare (semver .version))"#,
];
pub(crate) const PATTERNS: [&str; 8] = [
    r#""[a-c]+""#,
    r#""(\\w)(\\d*)""#,
    r#""l|b""#,
    r#""""#,
    r#""^a?""#,
    r#""(?i)É|x*""#,
    r#"",""#,
    r#""[^a]""#,
];
pub(crate) const LISTS: [&str; 8] = [
    "(list 1 2 3)",
    "(list)",
    r#"(list "b" "a" nil 2.5)"#,
    "(until 4)",
    r#"(splitList "," .csv)"#,
    "(fromJson .json).a",
    r#"(list (list 1) (dict "a" 1))"#,
    r#"(list "x" "y" "x")"#,
];
pub(crate) const MAPS: [&str; 5] = [
    r#"(dict "a" 1 "b" "x")"#,
    "(dict)",
    r#"(dict "a" (dict "b" (list 1)) "n" nil)"#,
    "(fromJson .json)",
    r#"(dict "host" "h:1" "path" "/p q")"#,
];
/// Go gives their elements in any order.
pub(crate) const UNORDERED: [&str; 2] = ["keys", "values"];
/// They fail more often than not when they are given anything.
pub(crate) const STRICT: [&str; 10] = [
    "fail",
    "call",
    "semver",
    "semverCompare",
    "mustToDate",
    "mustFromJson",
    "urlParse",
    "dig",
    "index",
    "decryptAES",
];
