//! A Rust source split into what the compiler reads and what people read.
//!
//! `code` has the length and lines of the source, with comments and the insides of literals
//! blanked out, so that an offset means the same in both. Enough of Rust's grammar for house
//! rules, not for a compiler.

/// A token of `code`: an identifier, or one character that is neither that nor white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

#[derive(Debug)]
pub(crate) struct Lexed {
    pub(crate) code: String,
    /// The comment text of each line, markers included.
    pub(crate) comments: Vec<String>,
    /// For each line: is it compiled only for tests or for loom's models?
    pub(crate) test: Vec<bool>,
}

pub(crate) fn lex(source: &str) -> Lexed {
    let (code, comments) = split(source);
    let test = test_lines(&code);
    Lexed {
        code,
        comments,
        test,
    }
}

impl Lexed {
    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.code)
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.code.split('\n').collect()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn split(source: &str) -> (String, Vec<String>) {
    let chars: Vec<char> = source.chars().collect();
    let mut out = Splitter {
        code: String::new(),
        comments: vec![String::new()],
    };
    let mut i = 0;
    while i < chars.len() {
        let rest = &chars[i..];
        let after_word = i > 0 && is_word(chars[i - 1]);
        i += if rest.starts_with(&['/', '/']) {
            out.comment(&rest[..find(rest, '\n')])
        } else if rest.starts_with(&['/', '*']) {
            out.comment(&rest[..block_comment(rest)])
        } else if let (false, Some(len)) = (after_word, raw_string(rest)) {
            out.blank(&rest[..len])
        } else if rest[0] == '"' {
            out.blank(&rest[..quoted(rest, '"')])
        } else if let Some(len) = char_literal(rest) {
            out.blank(&rest[..len])
        } else {
            out.keep(rest[0])
        };
    }
    (out.code, out.comments)
}

struct Splitter {
    code: String,
    comments: Vec<String>,
}

impl Splitter {
    fn keep(&mut self, c: char) -> usize {
        self.code.push(c);
        if c == '\n' {
            self.comments.push(String::new());
        }
        1
    }

    fn comment(&mut self, text: &[char]) -> usize {
        for &c in text {
            if c != '\n' {
                self.comments.last_mut().unwrap().push(c);
            }
            self.keep(if c == '\n' { c } else { ' ' });
        }
        text.len()
    }

    /// A literal: one `"` stands for it, so that code around it keeps its shape.
    fn blank(&mut self, text: &[char]) -> usize {
        for (i, &c) in text.iter().enumerate() {
            let shown = if i == 0 { '"' } else { ' ' };
            self.keep(if c == '\n' { c } else { shown });
        }
        text.len()
    }
}

fn find(rest: &[char], what: char) -> usize {
    rest.iter().position(|&c| c == what).unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut i) = (0, 0);
    while i < rest.len() {
        if rest[i..].starts_with(&['/', '*']) {
            depth += 1;
            i += 2;
        } else if rest[i..].starts_with(&['*', '/']) {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += 1;
        }
    }
    i
}

/// The length of `r"..."`, `br#"..."#` and so on.
fn raw_string(rest: &[char]) -> Option<usize> {
    let start = match rest {
        ['r', ..] => 1,
        ['b' | 'c', 'r', ..] => 2,
        _ => return None,
    };
    let hashes = rest[start..].iter().take_while(|&&c| c == '#').count();
    if rest.get(start + hashes) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.resize(hashes + 1, '#');
    let body = start + hashes + 1;
    let at = rest[body..].windows(end.len()).position(|w| w == end);
    Some(at.map_or(rest.len(), |at| body + at + end.len()))
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut i = 1;
    while i < rest.len() && rest[i] != quote {
        i += if rest[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(rest.len())
}

/// A character, not a lifetime or a label.
fn char_literal(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', ..] => Some(quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut line, mut at) = (0, 0);
    while let Some(c) = code[at..].chars().next() {
        let len = if is_word(c) {
            code[at..].find(|c| !is_word(c)).unwrap_or(code.len() - at)
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            found.push(Token {
                text: &code[at..at + len],
                line,
            });
        }
        line += usize::from(c == '\n');
        at += len;
    }
    found
}

/// The index after the bracket that closes the one at `open`.
pub(crate) fn skip_group(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (i, t) in tokens.iter().enumerate().skip(open) {
        match t.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// Is this `cfg(...)` true only in a test or in a model?
pub(crate) fn is_test_cfg(attribute: &[Token<'_>]) -> bool {
    let words: Vec<&str> = attribute.iter().map(|t| t.text).collect();
    if words.first() != Some(&"cfg") {
        return false;
    }
    let mut negated = false;
    words.windows(2).any(|w| {
        negated = w[0] == "not" && w[1] == "(" || negated && w[0] != ")";
        !negated && (w[0] == "test" || w[0] == "loom")
    })
}

fn test_lines(code: &str) -> Vec<bool> {
    lines_under(code, |_, attribute| is_test_cfg(attribute))
}

/// For each line: does it belong to an item with such an attribute? That is asked for with its line
/// and its tokens.
pub(crate) fn lines_under(
    code: &str,
    is_such: impl Fn(usize, &[Token<'_>]) -> bool,
) -> Vec<bool> {
    let tokens = tokens(code);
    let mut such = vec![false; code.split('\n').count()];
    let mut i = 0;
    while i < tokens.len() {
        let attribute =
            tokens[i].text == "#" && tokens.get(i + 1).is_some_and(|t| t.text == "[");
        if !attribute {
            i += 1;
            continue;
        }
        let end = skip_group(&tokens, i + 1);
        if is_such(tokens[i].line, &tokens[i + 2..end]) {
            let last = item_end(&tokens, end);
            such[tokens[i].line..=tokens[last].line].fill(true);
            i = last;
        }
        i += 1;
    }
    such
}

/// The index of the last token of the item, statement or field that begins at `start`.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut i = start;
    while i < tokens.len() {
        match tokens[i].text {
            "(" | "[" => i = skip_group(tokens, i),
            "{" => return skip_group(tokens, i) - 1,
            ";" | "," => return i,
            "}" => return i.saturating_sub(1),
            _ => i += 1,
        }
    }
    tokens.len() - 1
}

#[test]
fn comments_and_literals_are_not_code() {
    let l = lex("a /* b /* c */ d */ e // f\n\"g // h\" 'i' '\\'' &'j r#\"k \" l\"# br\"m\" n");
    let words: Vec<&str> = l.tokens().iter().map(|t| t.text).collect();
    assert_eq!(
        words,
        ["a", "e", "\"", "\"", "\"", "&", "'", "j", "\"", "\"", "n"]
    );
    assert!(l.comments[0].contains("c */ d"));
    assert!(l.comments[0].ends_with("// f"));
    assert_eq!(l.comments[1], "");
}

#[test]
fn lines_of_tests_and_models_are_known() {
    let source = "fn a() {}\n#[cfg(all(test, not(loom)))]\nmod t {\n fn b() {}\n}\nfn c() {}\n\
                  #[cfg(not(loom))]\nfn d() {}\n#[cfg(loom)]\nuse x;\nfn e() {}\n\
                  struct S {\n#[cfg(loom)]\nf: u32,\n}\n#[cfg(not(test))]\nfn g() {}";
    let test = lex(source).test;
    let on: Vec<usize> = (0..test.len()).filter(|&i| test[i]).collect();
    assert_eq!(on, [1, 2, 3, 4, 8, 9, 12, 13]);
}
