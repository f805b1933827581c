//! Reading our own source the way the rules need it: without tests, comments and texts.

/// The part of a file before its module of tests (it comes last).
pub(super) fn without_tests(source: &str) -> &str {
    source
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

/// Whether a file holds nothing but tests.
pub(super) fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.contains("/benches/") || name.ends_with("/tests.rs")
}

/// The code of a file on one line: no tests, no comments, no spaces between its parts.
pub(super) fn code(source: &str) -> String {
    let lines = without_tests(source).lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(str::chars)
        .filter(|letter| !letter.is_whitespace())
        .collect()
}
