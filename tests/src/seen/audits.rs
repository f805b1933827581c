//! Finding audit lines in output: `audit: ... action="verify" ... result="opens"` and the same as JSON.

/// The audit lines in an output, as `ACTION RESULT`.
pub fn audits_in(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    let is_audit =
        |line: &&str| line.contains(" audit: caller=") || line.contains("\"target\":\"audit\"");
    let named = text.lines().filter(is_audit).filter_map(|line| {
        let action = field(line, "action")?;
        let result = field(line, "result")?;
        Some(format!("{action} {result}"))
    });
    named.collect()
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let rest = line
        .split_once(&format!(" {name}=\""))
        .or_else(|| line.split_once(&format!("\"{name}\":\"")));
    rest?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::audits_in;

    #[test]
    fn audit_lines_are_found_as_text_and_as_json_and_no_other_lines() {
        let output = concat!(
            "2026-01-01T00:00:00Z  INFO audit: caller=\"http 127.0.0.1\" action=\"verify\" object=\"a/b\" key_id=\"\" result=\"opens\"\n",
            "{\"timestamp\":\"t\",\"level\":\"INFO\",\"caller\":\"timer\",\"action\":\"key-made\",\"object\":\"k\",\"key_id\":\"0\",\"result\":\"done\",\"target\":\"audit\"}\n",
            "2026-01-01T00:00:00Z  INFO said: action=\"other\" result=\"else\"\n",
        );
        assert_eq!(
            audits_in(output.as_bytes()),
            ["verify opens", "key-made done"]
        );
    }
}
