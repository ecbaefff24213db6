//! The text of one file in the dialect of oslo.config, as entries that remember their line.
//!
//! It knows no option: merging files is `settings`, meaning is `load`.

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub section: String,
    /// With `_` for `-`.
    pub key: String,
    pub value: String,
    pub line: u32,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: u32,
    pub what: String,
    pub mend: String,
    /// oslo.config stops at it as well; otherwise it only looks like a slip.
    pub fatal: bool,
}

/// What a file says, and what it says in comments.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    pub entries: Vec<Entry>,
    /// Assignments that stand behind a `#` or `;`: a forgotten one explains much.
    pub commented: Vec<Entry>,
    /// Every section header, in order.
    pub sections: Vec<(String, u32)>,
    pub faults: Vec<Fault>,
}

/// Reads the whole text; a faulty line does not hide the ones after it.
pub fn parse(text: &str) -> Parsed {
    let mut parser = Parser::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1u32..).zip(text.lines()) {
        parser.line(number, line.trim_end());
    }
    parser.flush();
    parser.parsed
}

#[derive(Default)]
struct Parser {
    parsed: Parsed,
    section: Option<String>,
    open: Option<Entry>,
}

impl Parser {
    fn line(&mut self, number: u32, line: &str) {
        if line.is_empty() {
            self.flush();
        } else if line.starts_with([' ', '\t']) {
            self.continuation(number, line.trim_start());
        } else {
            self.flush();
            if line.starts_with('[') {
                self.header(number, line);
            } else if let Some(comment) = line.strip_prefix(['#', ';']) {
                self.comment(number, comment.trim_start());
            } else {
                self.assignment(number, line);
            }
        }
    }

    fn flush(&mut self) {
        self.parsed.entries.extend(self.open.take());
    }

    fn continuation(&mut self, number: u32, text: &str) {
        let Some(open) = &mut self.open else {
            // An indented remark is harmless; an indented option would be lost.
            if !text.starts_with(['#', ';']) {
                self.fault(
                    number,
                    "an indented line that continues nothing",
                    "remove the blanks at its start",
                );
            }
            return;
        };
        if text.starts_with(['#', ';', '[']) || text.contains(" = ") {
            let what = format!("this indented line is read as part of the value of {}", open.key);
            let mend = "remove the blanks at its start".to_owned();
            self.parsed.faults.push(Fault { line: number, what, mend, fatal: false });
        }
        open.value.push('\n');
        open.value.push_str(text);
    }

    fn header(&mut self, number: u32, line: &str) {
        match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some("") => {
                self.fault(number, "a section without a name", "write [DEFAULT] or the name that is meant");
            }
            Some(name) => {
                self.parsed.sections.push((name.to_owned(), number));
                self.section = Some(name.to_owned());
            }
            None => {
                self.fault(
                    number,
                    "a section header that does not end in ]",
                    "write the name between [ and ], and nothing after it",
                );
            }
        }
    }

    fn comment(&mut self, number: u32, text: &str) {
        if let Some((key, value)) = split(text)
            && is_key(&key)
        {
            let section = self.section.clone().unwrap_or_default();
            self.parsed.commented.push(Entry { section, key, value, line: number });
        }
    }

    fn assignment(&mut self, number: u32, line: &str) {
        let Some((key, value)) = split(line) else {
            self.fault(
                number,
                "a line that is neither a section, a comment nor `option = value`",
                "add the = sign or put # in front",
            );
            return;
        };
        if key.is_empty() {
            self.fault(number, "a value without the name of an option", "write the name before the = sign");
            return;
        }
        let Some(section) = self.section.clone() else {
            self.fault(number, "an option before the first section", "put [DEFAULT] above it");
            return;
        };
        self.open = Some(Entry { section, key, value, line: number });
    }

    fn fault(&mut self, line: u32, what: &str, mend: &str) {
        self.parsed.faults.push(Fault { line, what: what.to_owned(), mend: mend.to_owned(), fatal: true });
    }
}

/// Cuts at the first `=` or `:`, whichever comes first, and takes one pair of quotes off the value.
fn split(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once(['=', ':'])?;
    let value = value.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    Some((normal(key), unquoted.to_owned()))
}

/// `log-file` and `log_file` are one option.
pub fn normal(key: &str) -> String {
    key.trim().replace('-', "_")
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, String, u32)> {
        parse(text).entries.into_iter().map(|e| (e.section, e.key, e.value, e.line)).collect()
    }

    fn pair(section: &str, key: &str, value: &str, line: u32) -> (String, String, String, u32) {
        (section.into(), key.into(), value.into(), line)
    }

    #[test]
    fn entries_remember_section_and_line() {
        assert_eq!(
            pairs(
                "\u{feff}[DEFAULT]\n# 日本語の注釈\ndebug = True\n\n[database]\nconnection=a=b:c\nlog-file : x\n"
            ),
            [
                pair("DEFAULT", "debug", "True", 3),
                pair("database", "connection", "a=b:c", 6),
                pair("database", "log_file", "x", 7)
            ]
        );
    }

    #[test]
    fn indented_lines_continue_a_value_until_a_blank_line() {
        let parsed = parse("[a]\nlist = one,\n  two\n\tthree\nnext = 1\n");
        assert_eq!(parsed.entries[0].value, "one,\ntwo\nthree");
        assert_eq!(parsed.entries[1].value, "1");
        assert!(parsed.faults.is_empty());
    }

    #[test]
    fn an_indented_option_is_pointed_out() {
        let parsed = parse("[a]\nx = 1\n  y = 2\n\n  z = 3\n");
        assert_eq!(parsed.faults.len(), 2);
        assert_eq!((parsed.faults[0].line, parsed.faults[0].fatal), (3, false));
        assert_eq!((parsed.faults[1].line, parsed.faults[1].fatal), (5, true));
    }

    #[test]
    fn one_pair_of_quotes_is_taken_off() {
        assert_eq!(pairs("[a]\nx = \"b c\"\ny = 'd'\nz = \"\n").last(), Some(&pair("a", "z", "\"", 4)));
        assert_eq!(pairs("[a]\nx = \"b c\"\n")[0].2, "b c");
    }

    #[test]
    fn all_faulty_lines_are_named_at_once() {
        let lines: Vec<u32> =
            parse("x = 1\n[open\n[]\n[a]\njust words\n= 3\n").faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 2, 3, 5, 6]);
    }

    #[test]
    fn an_option_in_a_comment_is_kept_aside() {
        let parsed = parse("[database]\n#connection = mysql://g:p@h/d\n# a sentence: with a colon\n");
        assert!(parsed.entries.is_empty());
        assert_eq!(parsed.commented.len(), 1);
        assert_eq!(parsed.commented[0].key, "connection");
        assert_eq!(parsed.commented[0].line, 2);
    }
}
