//! Constraints: alternatives between `||`, each of which is a list of comparisons that have to hold together.

use crate::{
    error::Fault,
    functions::Scope,
    object::version::{Version, compare_pre},
};

/// What a version has to meet.
pub(super) struct Constraints(Vec<Vec<Comparison>>);

struct Comparison {
    operator: Operator,
    version: Version,
    /// How much of the version is left open, as in `1.x`.
    open: Open,
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Major,
}

const OPERATORS: [(&str, Operator); 11] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("=>", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=<", Operator::LessOrEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

/// So many bytes that are read are one step.
const BYTES_A_STEP: usize = 16;

/// Reads constraints.
pub(super) fn parse(scope: &mut Scope<'_>, text: &str) -> Result<Option<Constraints>, Fault> {
    scope.reserve(text.len().saturating_mul(size_of::<Comparison>()))?;
    let text = ranges_written_out(scope, text)?;
    scope.steps(text.len())?;
    let alternatives = text.split("||").map(comparisons);
    Ok(alternatives.collect::<Option<_>>().map(Constraints))
}

/// White space of a regular expression.
fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// `1.2 - 2.3` is `>= 1.2, <= 2.3`.
fn ranges_written_out(scope: &mut Scope<'_>, text: &str) -> Result<String, Fault> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, range, after)) = range(scope, rest)? {
        out.push_str(before);
        out.push_str(&range);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The first range: what comes before it, what it means, what comes after it.
fn range<'a>(
    scope: &mut Scope<'_>,
    text: &'a str,
) -> Result<Option<(&'a str, String, &'a str)>, Fault> {
    for (start, _) in text.char_indices() {
        let Some(first) = raw_version(&text[start..]) else {
            continue;
        };
        // Another may start at each letter of it.
        scope.steps(1 + first.len() / BYTES_A_STEP)?;
        let after = &text[start + first.len()..];
        let spaces = after.trim_start_matches(is_space);
        if spaces.len() == after.len() {
            continue;
        }
        let Some(after_hyphen) = spaces.strip_prefix('-') else {
            continue;
        };
        let second_start = after_hyphen.trim_start_matches(is_space);
        if second_start.len() == after_hyphen.len() {
            continue;
        }
        let Some(second) = raw_version(second_start) else {
            continue;
        };
        let rest = second_start[second.len()..].trim_start_matches(is_space);
        let before = text[..start].trim_end_matches(is_space);
        let range = format!(">= {first}, <= {second} ");
        return Ok(Some((before, range, rest)));
    }
    Ok(None)
}

fn comparisons(text: &str) -> Option<Vec<Comparison>> {
    let mut rest = text.trim_start_matches(is_space);
    let mut all = Vec::new();
    loop {
        let (operator, after) = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)))
            .unwrap_or((Operator::Equal, rest));
        let after = after.trim_start_matches(is_space);
        let raw = raw_version(after)?;
        all.push(comparison(operator, raw)?);
        rest = &after[raw.len()..];
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Some(all);
        }
        let separated = trimmed.len() < rest.len();
        rest = match trimmed.strip_prefix(',') {
            Some(after) => after.trim_start_matches(is_space),
            None if separated => trimmed,
            None => return None,
        };
    }
}

/// The longest text at the start that looks like a version, with `x` and `*` in it.
fn raw_version(text: &str) -> Option<&str> {
    let mut at = usize::from(text.starts_with('v'));
    let number = |at: usize| {
        let is_in_number = |letter: char| letter.is_ascii_digit() || "|xX*".contains(letter);
        let rest = &text[at..];
        let length = rest.len() - rest.trim_start_matches(is_in_number).len();
        Some(at + length).filter(|_| length > 0)
    };
    let words = |at: usize| {
        let is_in_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let rest = &text[at..];
        let length = rest.len() - rest.trim_start_matches(is_in_word).len();
        Some(at + length).filter(|_| length > 0)
    };
    at = number(at)?;
    for _ in 0..2 {
        match text[at..]
            .starts_with('.')
            .then(|| number(at + 1))
            .flatten()
        {
            Some(end) => at = end,
            None => break,
        }
    }
    for sign in ['-', '+'] {
        let Some(mut end) = text[at..]
            .starts_with(sign)
            .then(|| words(at + 1))
            .flatten()
        else {
            continue;
        };
        while let Some(next) = text[end..]
            .starts_with('.')
            .then(|| words(end + 1))
            .flatten()
        {
            end = next;
        }
        at = end;
    }
    Some(&text[..at])
}

fn comparison(operator: Operator, raw: &str) -> Option<Comparison> {
    let body = raw.strip_prefix('v').unwrap_or(raw);
    let end = body.find(['-', '+']).unwrap_or(body.len());
    let (numbers, rest) = body.split_at(end);
    // What follows the plus sign does not count where something is open.
    let pre = rest.split('+').next().unwrap_or_default();
    let mut numbers = numbers.split('.');
    let is_open = |part: Option<&str>| part.is_none_or(|part| matches!(part, "x" | "X" | "*"));
    let (major, minor, patch) = (numbers.next(), numbers.next(), numbers.next());
    let (text, open) = if is_open(major) {
        (format!("0.0.0{pre}"), Open::Major)
    } else if is_open(minor) {
        (format!("{}.0.0{pre}", major?), Open::Minor)
    } else if is_open(patch) {
        (format!("{}.{}.0{pre}", major?, minor?), Open::Patch)
    } else {
        (raw.to_owned(), Open::Nothing)
    };
    Some(Comparison {
        operator,
        version: Version::parse(&text)?,
        open,
    })
}

impl Constraints {
    /// Whether a version meets them.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.0.iter().any(|all| {
            let takes_pre = all.iter().any(|one| !one.version.pre.is_empty());
            if !version.pre.is_empty() && !takes_pre {
                return false;
            }
            all.iter().all(|one| one.holds(version))
        })
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let open = self.open != Open::Nothing;
        match self.operator {
            Operator::Equal if open => self.is_within_tilde(version),
            Operator::Equal => order.is_eq(),
            Operator::NotEqual if open => self.differs(version),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater if open => self.is_beyond(version),
            Operator::Greater => order.is_gt(),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual if open => {
                let ours = &self.version;
                version.major < ours.major
                    || version.major == ours.major
                        && (version.minor <= ours.minor || self.leaves_minor_open())
            }
            Operator::LessOrEqual => order.is_le(),
            Operator::Tilde => self.is_within_tilde(version),
            Operator::Caret => self.is_within_caret(version),
        }
    }

    /// `1` and `1.x`; where all is open, `*`, this is not said apart.
    fn leaves_minor_open(&self) -> bool {
        self.open == Open::Minor
    }

    fn differs(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version.major != ours.major {
            return true;
        }
        if self.leaves_minor_open() {
            return false;
        }
        if version.minor != ours.minor {
            return true;
        }
        if self.open == Open::Patch {
            return compare_pre(&version.pre, &ours.pre).is_ne()
                && !(version.pre.is_empty() && ours.pre.is_empty());
        }
        version.patch != ours.patch || version.compare(ours).is_ne()
    }

    fn is_beyond(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version.major != ours.major {
            return version.major > ours.major;
        }
        match self.open {
            Open::Minor => false,
            Open::Patch => version.minor > ours.minor,
            Open::Major | Open::Nothing => version.compare(ours).is_gt(),
        }
    }

    fn is_within_tilde(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version.compare(ours).is_lt() {
            return false;
        }
        let is_zero = (ours.major, ours.minor, ours.patch) == (0, 0, 0);
        if is_zero && matches!(self.open, Open::Nothing | Open::Major) {
            return true;
        }
        version.major == ours.major && (version.minor == ours.minor || self.leaves_minor_open())
    }

    fn is_within_caret(&self, version: &Version) -> bool {
        let ours = &self.version;
        if version.compare(ours).is_lt() {
            return false;
        }
        if ours.major > 0 || self.leaves_minor_open() {
            return version.major == ours.major;
        }
        if version.major > 0 {
            return false;
        }
        if ours.minor > 0 || self.open == Open::Patch {
            return version.minor == ours.minor;
        }
        version.minor == 0 && version.patch == ours.patch
    }
}
