//! The pin in a certificate file: lines `seal pin: ` and the 64 digits of a key id.

use seal_api::Reason;
use seal_envelope::KeyId;

use crate::problem::{Place, Problem};

/// How the line begins that `seal cert pin` writes before the certificate.
pub(crate) const PIN_LINE: &str = "seal pin: ";

/// Every pin in a file's bytes. A line that looks like a pin and is none is an error, lest a slip of the hand unpin the
/// file; what else is in the file, also if it is not UTF-8, does not matter.
pub(crate) fn pins_in(source: &str, bytes: &[u8]) -> Result<Vec<KeyId>, Problem> {
    let mut pins = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        for line in line.split(|byte| *byte == b'\r') {
            let line = String::from_utf8_lossy(line);
            if looks_like_pin(&line) {
                pins.push(pin(&line).ok_or_else(|| malformed(source, number + 1))?);
            }
        }
    }
    Ok(pins)
}

/// Whether a line begins with "seal pin" in whatever spelling, after blanks, marks that have no width, or `#`.
fn looks_like_pin(line: &str) -> bool {
    let ignored = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '#' | '\u{feff}' | '\u{fffd}' | '\u{200b}'..='\u{200f}')
    };
    let letters = line
        .chars()
        .filter(|c| !ignored(*c) && !matches!(c, '-' | '_'));
    letters
        .map(|c| c.to_ascii_lowercase())
        .take("sealpin".len())
        .eq("sealpin".chars())
}

fn pin(line: &str) -> Option<KeyId> {
    line.strip_prefix(PIN_LINE)?
        .trim_end_matches([' ', '\t'])
        .parse()
        .ok()
}

fn malformed(source: &str, line: usize) -> Problem {
    let place = Place {
        line: Some(line),
        ..Place::file(source)
    };
    let message = "the line looks like a pin, and a pin is \"seal pin: \" and 64 hexadecimal digits at the line's start";
    Problem::new(Reason::InvalidValue, message)
        .at(place)
        .hint("pin the certificate again with \"seal cert pin\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pins(bytes: &[u8]) -> Option<usize> {
        pins_in("cert.pem", bytes).ok().map(|pins| pins.len())
    }

    #[test]
    fn pins_are_found_beside_anything() {
        let digits = "a".repeat(64);
        assert_eq!(pins(b"-----BEGIN CERTIFICATE-----\nseals\n"), Some(0));
        assert_eq!(pins(format!("seal pin: {digits}").as_bytes()), Some(1));
        let text = format!("# M\u{fc}ller\r\nseal pin: {digits} \r\nseal pin: {digits}\r\n");
        assert_eq!(pins(text.as_bytes()), Some(2));
        let mut latin = b"M\xfcller\n".to_vec();
        latin.extend_from_slice(text.as_bytes());
        assert_eq!(pins(&latin), Some(2));
    }

    #[test]
    fn what_is_almost_a_pin_is_an_error() {
        let digits = "a".repeat(64);
        for start in [
            "seal pin:",
            "Seal pin: ",
            "SEAL PIN: ",
            "seal  pin: ",
            "sealpin: ",
            "seal-pin: ",
            "seal pin ",
            " seal pin: ",
            "\tseal pin: ",
            "# seal pin: ",
            "\u{feff}seal pin: ",
            "seal pin: a",
        ] {
            let text = format!("x\n{start}{digits}\n");
            assert_eq!(pins(text.as_bytes()), None, "{start:?}");
        }
        assert_eq!(pins(b"\xffseal pin: 12\n"), None);
        assert_eq!(pins(b"seal pin:"), None);
    }
}
