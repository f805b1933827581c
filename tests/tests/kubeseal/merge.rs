//! `--merge-into`, which changes its file in place and nothing else in it.

use serde_json::json;

use crate::samples::{MARKER, documents, opened, ours, prepared, theirs};

const OLD: &str = "{\"metadata\":{\"name\":\"db\",\"namespace\":\"prod\",\"labels\":{\"a\":\"1\"},\"annotations\":{\"b\":\"2\"}},\
    \"stringData\":{\"kept\":\"old\",\"changed\":\"old\"}}";
const NEW: &str = "{\"metadata\":{\"name\":\"other\",\"labels\":{\"a\":\"3\",\"c\":\"4\"},\"annotations\":{\"d\":\"5\"}},\
    \"stringData\":{\"changed\":\"new\",\"added\":\"new\"}}";

#[test]
fn items_labels_and_annotations_are_merged_as_the_real_one_merges_them() {
    let scratch = prepared();
    for format in ["json", "yaml"] {
        let seal = format!("--cert rsa-2048.crt -o {format}");
        let sealed = theirs(&scratch, &seal, OLD).exits(0).out().to_owned();
        let merge = format!("{seal} --merge-into file");
        scratch.write("file", &sealed);
        theirs(&scratch, &merge, NEW).exits(0);
        let expected = documents(&scratch.read("file")).remove(0);
        scratch.write("file", &sealed);
        let run = ours(&scratch, &merge, NEW).exits(0);
        assert_eq!((run.out(), run.err()), ("", ""));
        let merged = documents(&scratch.read("file")).remove(0);
        assert_eq!(merged["spec"]["template"], expected["spec"]["template"]);
        assert_eq!(opened(&scratch, &merged), opened(&scratch, &expected));
    }
}

#[test]
fn the_file_keeps_its_format_comments_order_and_other_documents() {
    let scratch = prepared();
    let sealed = theirs(&scratch, "--cert rsa-2048.crt -o yaml", OLD).exits(0);
    let config = "---\n# a word on the settings\nkind: ConfigMap\ndata: {a: yes}\n";
    let before = format!("# of the shop\n{}# the end\n{config}", sealed.out());
    scratch.write("file", &before);
    ours(&scratch, "--cert rsa-2048.crt --merge-into file", NEW)
        .exits(0)
        .never_shows(MARKER);
    let after = scratch.read("file");
    assert!(
        after.starts_with("# of the shop\n---\napiVersion:"),
        "{after}"
    );
    assert!(after.ends_with(&format!("# the end\n{config}")), "{after}");
    let kept = |text: &str| {
        text.lines()
            .find(|line| line.contains("    kept:"))
            .map(str::to_owned)
    };
    assert_eq!(kept(&before), kept(&after));
}

#[test]
fn the_items_get_the_scope_of_the_file() {
    let scratch = prepared();
    let sealed = ours(
        &scratch,
        "--cert rsa-2048.crt -o yaml --scope cluster-wide",
        OLD,
    )
    .exits(0);
    scratch.write("file", sealed.out());
    ours(&scratch, "--cert rsa-2048.crt --merge-into file", NEW).exits(0);
    let merged = documents(&scratch.read("file")).remove(0);
    assert_eq!(
        opened(&scratch, &merged),
        json!({"added": "bmV3", "changed": "bmV3", "kept": "b2xk"})
    );
    let before = scratch.read("file");
    let run = ours(
        &scratch,
        "--cert rsa-2048.crt --merge-into file --scope namespace-wide",
        NEW,
    )
    .exits(1);
    assert!(
        run.says("cluster-wide")
            .err()
            .contains("--scope says namespace-wide")
    );
    ours(
        &scratch,
        "--cert rsa-2048.crt --merge-into file -w other",
        NEW,
    )
    .exits(1);
    assert_eq!(scratch.read("file"), before);
}

#[test]
fn of_several_the_one_with_the_name_of_the_input_is_meant() {
    let scratch = prepared();
    let seal = |input: &str| {
        ours(&scratch, "--cert rsa-2048.crt -o yaml", input)
            .exits(0)
            .out()
            .to_owned()
    };
    let both = seal(OLD) + &seal(&OLD.replace("\"db\"", "\"other\""));
    scratch.write("file", both);
    ours(&scratch, "--cert rsa-2048.crt --merge-into file", NEW).exits(0);
    let merged = documents(&scratch.read("file"));
    assert_eq!(opened(&scratch, &merged[0])["changed"], "b2xk");
    assert_eq!(opened(&scratch, &merged[1])["changed"], "bmV3");
    let third = NEW.replace("other", "third");
    ours(&scratch, "--cert rsa-2048.crt --merge-into file", &third).exits(1);
}
