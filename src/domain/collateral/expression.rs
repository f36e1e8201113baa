//! Valuation by expression: what a thing is worth, in the words of whoever takes it.
//!
//! Numbers, names, `+ - * /`, parentheses, `min(a, b)` and `max(a, b)`. Whatever follows the price
//! must be a straight line in it, so that an expression comes to `fixed + per_price × price` and the
//! margin ladder stays exact: what is not, such as a price times a price or the lower of a price
//! and a number, is refused when the expression is read, whatever the values are.

use rust_decimal::Decimal;

use super::CollateralError;
use crate::domain::decimal::{add, div, mul, sub};

/// Most characters an expression may have.
const LENGTH_MAX: usize = 1_000;
/// How deep parentheses and signs may lie in each other.
const DEPTH_MAX: usize = 32;
/// The names of the price that a thing follows.
const PRICE: [&str; 2] = ["price", "index"];

/// An expression that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(Node);

/// What an expression comes to: `fixed + per_price × price`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is whatever the price is.
    pub fixed: Decimal,
    /// What each unit of the price adds.
    pub per_price: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Number(Decimal),
    Price,
    Name(String),
    Minus(Box<Node>),
    Pair(Operator, Box<Node>, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Lower,
    Higher,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`CollateralError::Expression`] with the place, counted in characters from 1, and the reason.
    pub fn parse(text: &str) -> Result<Self, CollateralError> {
        if text.chars().count() > LENGTH_MAX {
            return Err(refused(LENGTH_MAX, "an expression ends here at the latest"));
        }
        let characters: Vec<char> = text.chars().collect();
        let mut reader = Reader { characters: &characters, place: 0 };
        let root = reader.sum(0)?;
        reader.skip_space();
        match reader.next() {
            None => Ok(Self(root)),
            Some(found) => Err(reader.refuse(&format!("\"{found}\" was not expected"))),
        }
    }

    /// The names that need values, each once, in order; `price` and `index` are told as they are.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.0.collect(&mut names);
        names.sort();
        names.dedup();
        names
    }

    /// What it comes to, exactly, with the values of its names.
    ///
    /// # Errors
    /// [`CollateralError`] for a name without a value, a division by zero, a result out of range or
    /// below zero.
    pub fn evaluate(
        &self,
        value_of: &dyn Fn(&str) -> Option<Decimal>,
    ) -> Result<Line, CollateralError> {
        let line = self.0.evaluate(value_of)?;
        super::valuation::not_negative("the fixed value", line.fixed)?;
        super::valuation::not_negative("what follows the price", line.per_price)?;
        Ok(line)
    }
}

impl Node {
    fn collect(&self, names: &mut Vec<String>) {
        match self {
            Self::Number(_) => {}
            Self::Price => names.push(PRICE[0].to_string()),
            Self::Name(name) => names.push(name.clone()),
            Self::Minus(of) => of.collect(names),
            Self::Pair(_, a, b) => {
                a.collect(names);
                b.collect(names);
            }
        }
    }

    fn follows_price(&self) -> bool {
        match self {
            Self::Price => true,
            Self::Number(_) | Self::Name(_) => false,
            Self::Minus(of) => of.follows_price(),
            Self::Pair(_, a, b) => a.follows_price() || b.follows_price(),
        }
    }

    fn evaluate(
        &self,
        value_of: &dyn Fn(&str) -> Option<Decimal>,
    ) -> Result<Line, CollateralError> {
        let constant = |fixed| Line { fixed, per_price: Decimal::ZERO };
        Ok(match self {
            Self::Number(value) => constant(*value),
            Self::Price => Line { fixed: Decimal::ZERO, per_price: Decimal::ONE },
            Self::Name(name) => {
                constant(value_of(name).ok_or_else(|| CollateralError::NoValue(name.clone()))?)
            }
            Self::Minus(of) => {
                let of = of.evaluate(value_of)?;
                both(constant(Decimal::ZERO), of, sub)?
            }
            Self::Pair(operator, a, b) => {
                let (a, b) = (a.evaluate(value_of)?, b.evaluate(value_of)?);
                match operator {
                    Operator::Add => both(a, b, add)?,
                    Operator::Subtract => both(a, b, sub)?,
                    // One of the two is a constant: parse has seen to it.
                    Operator::Multiply => Line {
                        fixed: mul(a.fixed, b.fixed)?,
                        per_price: add(mul(a.per_price, b.fixed)?, mul(a.fixed, b.per_price)?)?,
                    },
                    Operator::Divide => Line {
                        fixed: div(a.fixed, b.fixed)?,
                        per_price: div(a.per_price, b.fixed)?,
                    },
                    Operator::Lower => constant(a.fixed.min(b.fixed)),
                    Operator::Higher => constant(a.fixed.max(b.fixed)),
                }
            }
        })
    }
}

fn both<E>(
    a: Line,
    b: Line,
    of: fn(Decimal, Decimal) -> Result<Decimal, E>,
) -> Result<Line, CollateralError>
where
    CollateralError: From<E>,
{
    Ok(Line { fixed: of(a.fixed, b.fixed)?, per_price: of(a.per_price, b.per_price)? })
}

/// Reads by recursive descent: a sum of products of factors.
struct Reader<'a> {
    characters: &'a [char],
    place: usize,
}

impl Reader<'_> {
    fn next(&self) -> Option<char> {
        self.characters.get(self.place).copied()
    }

    fn advance(&mut self) {
        self.place = self.place.saturating_add(1);
    }

    fn skip_space(&mut self) {
        while self.next().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    fn refuse(&self, why: &str) -> CollateralError {
        refused(self.place.saturating_add(1), why)
    }

    fn sum(&mut self, depth: usize) -> Result<Node, CollateralError> {
        let mut left = self.product(depth)?;
        loop {
            self.skip_space();
            let operator = match self.next() {
                Some('+') => Operator::Add,
                Some('-') => Operator::Subtract,
                _ => return Ok(left),
            };
            self.advance();
            left = Node::Pair(operator, Box::new(left), Box::new(self.product(depth)?));
        }
    }

    fn product(&mut self, depth: usize) -> Result<Node, CollateralError> {
        let mut left = self.factor(depth)?;
        loop {
            self.skip_space();
            let operator = match self.next() {
                Some('*') => Operator::Multiply,
                Some('/') => Operator::Divide,
                _ => return Ok(left),
            };
            let place = self.place.saturating_add(1);
            self.advance();
            let right = self.factor(depth)?;
            if right.follows_price() && (operator == Operator::Divide || left.follows_price()) {
                return Err(refused(place, "this is not a straight line in the price"));
            }
            left = Node::Pair(operator, Box::new(left), Box::new(right));
        }
    }

    fn factor(&mut self, depth: usize) -> Result<Node, CollateralError> {
        if depth > DEPTH_MAX {
            return Err(self.refuse("too many parentheses or signs lie in each other"));
        }
        self.skip_space();
        let deeper = depth.saturating_add(1);
        match self.next() {
            Some('-') => {
                self.advance();
                Ok(Node::Minus(Box::new(self.factor(deeper)?)))
            }
            Some('(') => {
                self.advance();
                let inner = self.sum(deeper)?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_lowercase() || c == '_' => self.name(deeper),
            Some(found) => Err(self.refuse(&format!("\"{found}\" was not expected"))),
            None => Err(self.refuse("something is missing at the end")),
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), CollateralError> {
        self.skip_space();
        if self.next() != Some(wanted) {
            return Err(self.refuse(&format!("\"{wanted}\" was expected")));
        }
        self.advance();
        Ok(())
    }

    fn word(&mut self, belongs: fn(char) -> bool) -> String {
        let mut word = String::new();
        while let Some(c) = self.next().filter(|c| belongs(*c)) {
            word.push(c);
            self.advance();
        }
        word
    }

    fn number(&mut self) -> Result<Node, CollateralError> {
        let place = self.place.saturating_add(1);
        let digits = self.word(|c| c.is_ascii_digit() || c == '.');
        // What has more digits than there are is refused, not rounded.
        Decimal::from_str_exact(&digits)
            .map(Node::Number)
            .map_err(|_| refused(place, &format!("\"{digits}\" is no number of at most 28 digits")))
    }

    fn name(&mut self, depth: usize) -> Result<Node, CollateralError> {
        let place = self.place.saturating_add(1);
        let name = self.word(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        self.skip_space();
        let operator = match name.as_str() {
            "min" => Operator::Lower,
            "max" => Operator::Higher,
            _ if self.next() == Some('(') => {
                return Err(refused(place, &format!("there is no function \"{name}\"")));
            }
            _ if PRICE.contains(&name.as_str()) => return Ok(Node::Price),
            _ => return Ok(Node::Name(name)),
        };
        self.expect('(')?;
        let a = self.sum(depth)?;
        self.expect(',')?;
        let b = self.sum(depth)?;
        self.expect(')')?;
        if a.follows_price() || b.follows_price() {
            return Err(refused(place, "this is not a straight line in the price"));
        }
        Ok(Node::Pair(operator, Box::new(a), Box::new(b)))
    }
}

fn refused(place: usize, why: &str) -> CollateralError {
    CollateralError::Expression { place, why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn value_of(name: &str) -> Option<Decimal> {
        match name {
            "quantity" => Some(d("10")),
            "age_months" => Some(d("18")),
            "zero" => Some(Decimal::ZERO),
            _ => None,
        }
    }

    fn line(text: &str) -> (String, String) {
        let line = Expression::parse(text).unwrap().evaluate(&value_of).unwrap();
        (line.fixed.normalize().to_string(), line.per_price.normalize().to_string())
    }

    fn place(text: &str) -> usize {
        match Expression::parse(text) {
            Err(CollateralError::Expression { place, .. }) => place,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_expression_is_a_line_in_the_price() {
        let of = |fixed: &str, per_price: &str| (fixed.to_string(), per_price.to_string());
        assert_eq!(line("quantity * price"), of("0", "10"));
        assert_eq!(line("2 + 3 * 4 - 6 / 3"), of("12", "0"));
        assert_eq!(line("12 / 2 / 3 - 1 - 1"), of("0", "0"));
        assert_eq!(line("5 + (price - 1) * quantity / 4 + 2.5"), of("5", "2.5"));
        assert_eq!(line("max(0.4, 1 - age_months * 0.02) * index"), of("0", "0.64"));
        assert_eq!(line("min(quantity, 3) - -1"), of("4", "0"));
        let read = Expression::parse("index * b1 + a + a").unwrap();
        assert_eq!(read.names(), ["a", "b1", "price"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        assert_eq!(place(""), 1);
        assert_eq!(place("1 +"), 4);
        assert_eq!(place("1 2"), 3);
        assert_eq!(place("(1"), 3);
        assert_eq!(place("2 * (3 + x))"), 12);
        assert_eq!(place("price; drop table x"), 6);
        assert_eq!(place("quantity * 'a'"), 12);
        assert_eq!(place("1..2"), 1);
        assert_eq!(place("exp(1)"), 1);
        assert_eq!(place("min(1)"), 6);
        assert_eq!(place("price * price"), 7);
        assert_eq!(place("1 / price"), 3);
        assert_eq!(place("2 + min(price, 5)"), 5);
        assert_eq!(place("0.00000000000000000000000000001"), 1);
        assert_eq!(place(&"(".repeat(900)), DEPTH_MAX + 2);
        assert_eq!(place(&"-".repeat(900)), DEPTH_MAX + 2);
        assert_eq!(place(&"1+".repeat(600)), LENGTH_MAX);
    }

    #[test]
    fn what_has_no_value_is_refused() {
        let refused =
            |text: &str| Expression::parse(text).unwrap().evaluate(&value_of).unwrap_err();
        assert_eq!(refused("colour"), CollateralError::NoValue("colour".into()));
        assert!(matches!(refused("1 / zero"), CollateralError::Arithmetic(_)));
        assert!(matches!(refused("price - 1"), CollateralError::Negative { .. }));
        assert!(matches!(refused("1 - price"), CollateralError::Negative { .. }));
    }

    /// An expression with its value at a price, calculated beside it.
    fn expressions() -> impl Strategy<Value = (String, Decimal)> {
        let leaf = prop_oneof![
            (0i64..1000, 0u32..4).prop_map(|(n, scale)| {
                let number = Decimal::new(n, scale);
                (number.to_string(), number)
            }),
            Just(("quantity".to_string(), d("10"))),
        ];
        leaf.prop_recursive(5, 40, 2, |inner| {
            (inner.clone(), inner, 0usize..5).prop_map(
                |((a, x), (b, y), operator)| match operator {
                    0 => (format!("({a} + {b})"), add(x, y).unwrap()),
                    1 => (format!("({a}-{b})"), sub(x, y).unwrap()),
                    2 => (format!("min({a}, {b})"), x.min(y)),
                    3 => (format!("max( {a},{b} )"), x.max(y)),
                    _ => {
                        (format!("(({a}) * 2 + -({b}))"), sub(mul(x, d("2")).unwrap(), y).unwrap())
                    }
                },
            )
        })
    }

    proptest! {
        #[test]
        fn random_expressions_come_to_their_value((text, expected) in expressions()) {
            let text = format!("1000000 + ({text}) + 3 * price");
            let line = Expression::parse(&text).unwrap().evaluate(&value_of).unwrap();
            prop_assert_eq!(line.fixed, add(d("1000000"), expected).unwrap());
            prop_assert_eq!(line.per_price, d("3"));
        }

        #[test]
        fn whatever_is_given_is_read_or_refused(text in "[-+*/(),. a-z0-9'\"é]{0,60}") {
            if let Ok(expression) = Expression::parse(&text) {
                let _ = expression.evaluate(&|_| Some(Decimal::ONE));
            }
        }
    }
}
