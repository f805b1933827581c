//! kubeseal working on files of ours: its `--merge-into` knows nothing of item lines, and nothing breaks.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_api::{Scope, SealedSecret, annotations};
use seal_sealing::ItemLines;
use seal_tests::scratch::Scratch;
use serde_json::Value;

use crate::samples::{
    EVERYTHING, document, essence, everything, kubeseal, opened_by_kubeseal, opened_by_us, seal,
};

/// What kubeseal merges in: another value for `password`, and one more item.
const NEW: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: prod
  annotations: {merged: in}
  labels: {merged: in}
stringData:
  password: new value
  added: another value
";

/// The file of ours that kubeseal merges [`NEW`] into, before and after.
fn merged(scratch: &Scratch, name: &str, format: &str) -> (Value, Value) {
    let input = match format {
        "yaml" => EVERYTHING.to_owned(),
        _ => document(EVERYTHING).to_string(),
    };
    let ours = seal(scratch, &["encrypt"], 2048)
        .stdin(input)
        .finish()
        .exits(0);
    scratch.write(name, ours.out());
    kubeseal(scratch, &["--merge-into", name, "--format", format], 2048)
        .stdin(NEW)
        .finish()
        .exits(0);
    (document(ours.out()), document(&scratch.read(name)))
}

fn expected() -> Value {
    let mut expected = everything(Scope::Strict);
    expected["data"]["password"] = STANDARD.encode("new value").into();
    expected["data"]["added"] = STANDARD.encode("another value").into();
    expected["labels"]["merged"] = "in".into();
    expected["annotations"]["merged"] = "in".into();
    expected
}

fn lines_of(object: &Value) -> Vec<String> {
    let object: SealedSecret = serde_json::from_value(object.clone()).unwrap();
    ItemLines::of(&object)
        .iter()
        .map(|(item, _)| item.to_owned())
        .collect()
}

#[test]
fn the_lines_of_merged_items_count_as_absent_and_the_object_opens() {
    for format in ["yaml", "json"] {
        let scratch = Scratch::new();
        let (before, after) = merged(&scratch, "sealed", format);
        assert_eq!(
            lines_of(&before),
            ["binary", "both", "empty", "lines", "password", "unicode"]
        );
        assert_eq!(
            lines_of(&after),
            ["binary", "both", "empty", "lines", "unicode"]
        );
        let text = scratch.read("sealed");
        assert_eq!(essence(&opened_by_us(&scratch, &text, 2048)), expected());
        assert_eq!(
            essence(&opened_by_kubeseal(&scratch, &text, 2048)),
            expected()
        );
    }
}

#[test]
fn the_text_of_the_lines_passes_through_kubeseal_untouched() {
    for format in ["yaml", "json"] {
        let scratch = Scratch::new();
        let (before, after) = merged(&scratch, "sealed", format);
        let text = |object: &Value| object["metadata"]["annotations"][annotations::ITEMS].clone();
        assert!(text(&before).is_string());
        assert_eq!(text(&after), text(&before));
    }
}

#[test]
fn the_next_set_of_a_merged_file_gives_the_item_its_line_back() {
    for format in ["yaml", "json"] {
        let scratch = Scratch::new();
        let name = format!("sealed.{format}");
        merged(&scratch, &name, format);
        seal(&scratch, &["set", &name, "--from-file", "password=-"], 2048)
            .stdin("third value")
            .finish()
            .exits(0);
        let text = scratch.read(&name);
        assert_eq!(
            lines_of(&document(&text)),
            ["binary", "both", "empty", "lines", "password", "unicode"]
        );
        let mut expected = expected();
        expected["data"]["password"] = STANDARD.encode("third value").into();
        assert_eq!(
            essence(&opened_by_kubeseal(&scratch, &text, 2048)),
            expected
        );
    }
}
