//! The text of an expression becomes a syntax tree here: tokens, then a Pratt parser. Names are not looked up and types
//! not checked (see `bind`). Length, depth and size are bounded, so hostile text costs as little as honest text.

/// Longest expression, in bytes.
pub(super) const MAX_EXPR_BYTES: usize = 2_000;
/// Deepest nesting of brackets, calls and signs.
pub(super) const MAX_EXPR_DEPTH: u32 = 32;
/// Most nodes of one expression.
pub(super) const MAX_EXPR_NODES: u32 = 400;

/// What is wrong with an expression, and where: `column` counts characters from 1.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Wrong {
    pub column: u32,
    pub code: &'static str,
    pub detail: String,
}

impl Wrong {
    pub fn new(column: u32, code: &'static str, detail: impl Into<String>) -> Wrong {
        Wrong { column, code, detail: detail.into() }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Syntax {
    pub column: u32,
    pub node: Node,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    /// `.`, the answer at hand.
    Dot,
    /// `${name}` or `${product.gtin}`, without the marks.
    Name(String),
    Call(String, Vec<Syntax>),
    Negate(Box<Syntax>),
    Binary(Op, Box<Syntax>, Box<Syntax>),
}

/// The binary operators, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Op {
    /// How the operator is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Or => "or",
            Op::And => "and",
            Op::Equal => "=",
            Op::NotEqual => "!=",
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "div",
            Op::Modulo => "mod",
        }
    }

    fn binding(self) -> u8 {
        match self {
            Op::Or => 1,
            Op::And => 2,
            Op::Equal | Op::NotEqual => 3,
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => 4,
            Op::Add | Op::Subtract => 5,
            Op::Multiply | Op::Divide | Op::Modulo => 6,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Number(f64),
    Text(String),
    Reference(String),
    Word(String),
    Op(Op),
    Dot,
    Open,
    Close,
    Comma,
    End,
}

/// Reads an expression. Errors carry the column of the first offence.
pub(super) fn parse(text: &str) -> Result<Syntax, Wrong> {
    if text.len() > MAX_EXPR_BYTES {
        return Err(Wrong::new(1, "expression_too_long", format!("longer than {MAX_EXPR_BYTES} bytes")));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, nodes: 0 };
    let tree = parser.expression(0)?;
    match parser.peek() {
        (_, Token::End) => Ok(tree),
        (column, Token::Close) => Err(syntax(*column, "a closing bracket without its opening one")),
        (column, _) => Err(syntax(*column, "expected an operator or the end")),
    }
}

fn syntax(column: u32, detail: impl Into<String>) -> Wrong {
    Wrong::new(column, "expression_syntax", detail)
}

fn tokens(text: &str) -> Result<Vec<(u32, Token)>, Wrong> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let column = start as u32 + 1;
        let c = chars[at];
        at += 1;
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '+' => Token::Op(Op::Add),
            '-' => Token::Op(Op::Subtract),
            '*' => Token::Op(Op::Multiply),
            '=' => Token::Op(Op::Equal),
            '<' | '>' | '!' => {
                let equal = chars.get(at) == Some(&'=');
                at += usize::from(equal);
                match (c, equal) {
                    ('<', false) => Token::Op(Op::Less),
                    ('<', true) => Token::Op(Op::LessOrEqual),
                    ('>', false) => Token::Op(Op::Greater),
                    ('>', true) => Token::Op(Op::GreaterOrEqual),
                    ('!', true) => Token::Op(Op::NotEqual),
                    _ => return Err(syntax(column, "`!` alone; write != or not()")),
                }
            }
            '\'' | '"' => {
                let Some(length) = chars[at..].iter().position(|&end| end == c) else {
                    return Err(syntax(column, "a text without its closing quote"));
                };
                let inside = chars[at..at + length].iter().collect();
                at += length + 1;
                Token::Text(inside)
            }
            '$' => {
                let Some(length) = chars[at..].iter().position(|&end| end == '}') else {
                    return Err(syntax(column, "a reference without its closing brace"));
                };
                let inside: String = chars[at..at + length].iter().collect();
                at += length + 1;
                match inside.strip_prefix('{').map(str::trim) {
                    Some(name) if is_reference(name) => Token::Reference(name.to_owned()),
                    _ => return Err(syntax(column, "a reference is written ${name} or ${product.gtin}")),
                }
            }
            c if c.is_ascii_digit() || (c == '.' && chars.get(at).is_some_and(char::is_ascii_digit)) => {
                while chars.get(at).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
                    at += 1;
                }
                let digits: String = chars[start..at].iter().collect();
                if digits.len() > 18 {
                    return Err(syntax(column, "a number of more than 18 characters"));
                }
                Token::Number(digits.parse().map_err(|_| syntax(column, "not a number"))?)
            }
            '.' => Token::Dot,
            c if c.is_ascii_alphabetic() => {
                while chars.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_') {
                    at += 1;
                }
                let word: String = chars[start..at].iter().collect();
                match word.as_str() {
                    "and" => Token::Op(Op::And),
                    "or" => Token::Op(Op::Or),
                    "div" => Token::Op(Op::Divide),
                    "mod" => Token::Op(Op::Modulo),
                    _ => Token::Word(word),
                }
            }
            c => return Err(syntax(column, format!("the character {c:?} has no meaning here"))),
        };
        found.push((column, token));
    }
    found.push((chars.len() as u32 + 1, Token::End));
    Ok(found)
}

/// `name`, or `owner.attribute`.
fn is_reference(text: &str) -> bool {
    let mut parts = text.split('.');
    let named = |part: Option<&str>| part.is_some_and(is_name);
    named(parts.next()) && parts.next().is_none_or(is_name) && parts.next().is_none()
}

/// A name of an item, choice or attribute: a letter, then letters, digits, `_` or `-`; at most 64 characters.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

struct Parser {
    tokens: Vec<(u32, Token)>,
    next: usize,
    depth: u32,
    nodes: u32,
}

impl Parser {
    fn peek(&self) -> &(u32, Token) {
        // The last token is End and is never taken.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> (u32, Token) {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn node(&mut self, column: u32, node: Node) -> Result<Syntax, Wrong> {
        self.nodes += 1;
        if self.nodes > MAX_EXPR_NODES {
            return Err(Wrong::new(column, "expression_too_costly", format!("more than {MAX_EXPR_NODES} parts")));
        }
        Ok(Syntax { column, node })
    }

    fn expression(&mut self, loosest: u8) -> Result<Syntax, Wrong> {
        self.depth += 1;
        let column = self.peek().0;
        if self.depth > MAX_EXPR_DEPTH {
            return Err(Wrong::new(column, "expression_too_deep", format!("nested deeper than {MAX_EXPR_DEPTH}")));
        }
        let mut left = self.operand()?;
        while let (column, Token::Op(op)) = *self.peek() {
            if op.binding() <= loosest {
                break;
            }
            self.next += 1;
            let right = self.expression(op.binding())?;
            left = self.node(column, Node::Binary(op, Box::new(left), Box::new(right)))?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Syntax, Wrong> {
        let (column, token) = self.take();
        match token {
            Token::Number(value) => self.node(column, Node::Number(value)),
            Token::Text(value) => self.node(column, Node::Text(value)),
            Token::Reference(name) => self.node(column, Node::Name(name)),
            Token::Dot => self.node(column, Node::Dot),
            Token::Op(Op::Subtract) => {
                // A sign binds tighter than any operator between two values.
                let value = self.expression(u8::MAX)?;
                self.node(column, Node::Negate(Box::new(value)))
            }
            Token::Open => {
                let inside = self.expression(0)?;
                self.close(column)?;
                Ok(inside)
            }
            Token::Word(name) => {
                if !matches!(self.peek(), (_, Token::Open)) {
                    return Err(syntax(
                        column,
                        format!("`{}`: a text needs quotes, an answer is ${{name}}", brief(&name)),
                    ));
                }
                self.next += 1;
                let mut arguments = Vec::new();
                if matches!(self.peek(), (_, Token::Close)) {
                    self.next += 1;
                } else {
                    loop {
                        arguments.push(self.expression(0)?);
                        if !matches!(self.peek(), (_, Token::Comma)) {
                            break;
                        }
                        self.next += 1;
                    }
                    self.close(column)?;
                }
                self.node(column, Node::Call(name, arguments))
            }
            Token::End => Err(syntax(column, "the expression ends where a value is expected")),
            Token::Close | Token::Comma | Token::Op(_) => Err(syntax(column, "expected a value")),
        }
    }

    fn close(&mut self, opened: u32) -> Result<(), Wrong> {
        match self.take() {
            (_, Token::Close) => Ok(()),
            (column, _) => Err(syntax(column, format!("the bracket opened in column {opened} is not closed here"))),
        }
    }
}

/// At most 40 characters of foreign text, for a message.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        fn show(s: &Syntax) -> String {
            match &s.node {
                Node::Number(n) => n.to_string(),
                Node::Text(t) => format!("'{t}'"),
                Node::Dot => ".".into(),
                Node::Name(n) => n.clone(),
                Node::Negate(x) => format!("(neg {})", show(x)),
                Node::Binary(op, a, b) => format!("({} {} {})", op.as_str(), show(a), show(b)),
                Node::Call(f, args) => format!("{f}[{}]", args.iter().map(show).collect::<Vec<_>>().join(" ")),
            }
        }
        match parse(text) {
            Ok(tree) => show(&tree),
            Err(wrong) => format!("{} at {}", wrong.code, wrong.column),
        }
    }

    #[test]
    fn operators_bind_as_in_xpath() {
        assert_eq!(shape("1 + 2 * 3 - 4"), "(- (+ 1 (* 2 3)) 4)");
        assert_eq!(shape("${a} = 1 or ${b} != 'x' and .5 < 2"), "(or (= a 1) (and (!= b 'x') (< 0.5 2)))");
        assert_eq!(shape("-${a} mod 2 = 4 div 2"), "(= (mod (neg a) 2) (div 4 2))");
        assert_eq!(shape("${a}-${b}"), "(- a b)");
        assert_eq!(shape("- - 1"), "(neg (neg 1))");
        assert_eq!(shape("if(. >= 1, count-selected(${x}), \"it's\")"), "if[(>= . 1) count-selected[x] 'it's']");
    }

    #[test]
    fn an_error_names_its_column() {
        assert_eq!(shape("${a} ="), "expression_syntax at 7");
        assert_eq!(shape("1 + foo"), "expression_syntax at 5");
        assert_eq!(shape("'open"), "expression_syntax at 1");
        assert_eq!(shape("(1 + 2"), "expression_syntax at 7");
        assert_eq!(shape("1)"), "expression_syntax at 2");
        assert_eq!(shape("é"), "expression_syntax at 1");
        assert_eq!(shape("${a.b.c}"), "expression_syntax at 1");
        assert_eq!(shape("1.2.3"), "expression_syntax at 1");
        assert_eq!(shape(""), "expression_syntax at 1");
        assert_eq!(shape("1 2"), "expression_syntax at 3");
        assert_eq!(shape("!1"), "expression_syntax at 1");
    }

    #[test]
    fn hostile_expressions_are_refused_at_once() {
        assert_eq!(shape(&"(".repeat(10_000)), "expression_too_long at 1");
        assert_eq!(shape(&"(".repeat(1_900)), "expression_too_deep at 33");
        assert_eq!(shape(&"-".repeat(1_900)), "expression_too_deep at 33");
        assert_eq!(shape(&"not(".repeat(400)), "expression_too_deep at 129");
        assert_eq!(shape(&format!("1{}", "+1".repeat(900))), "expression_too_costly at 400");
        assert_eq!(shape(&"1".repeat(400)), "expression_syntax at 1");
    }
}
