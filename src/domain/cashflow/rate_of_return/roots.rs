//! The roots of a present value, found in order and none missed.
//!
//! Between two points the logarithm of each leg lies below its chord and above its tangents, so
//! the logarithm h of their ratio, whose sign is that of the present value, is bounded from both
//! sides. An interval where the bound keeps away from zero holds no root; one where the bounds of
//! the slope keep away from zero holds one root if the signs at its ends differ and none if they
//! agree; any other interval is halved. What is left are intervals so narrow that h is a parabola
//! in them, and there its extremum decides between two roots, a double root and none.
//!
//! A root is refined with Newton's method on h, kept between points of opposite sign, because h is
//! nearly straight where the present value itself is steep. It is polished on the present value
//! and returned only if that vanishes to the last digits.

use super::legs::{Leg, Net, PresentValue, RootCount};
use crate::domain::cashflow::CashflowError;

/// Width, as a part of `1 / span`, below which an interval is taken to hold one extremum at most:
/// the bounds on h are then 1e-9 apart.
const NARROW: f64 = 1e-4;
/// A bound on h must clear zero by this much, which exceeds the rounding of two logarithms.
const MARGIN: f64 = 1e-13;
/// Step of the refinement, as a part of `1 / span`, after which only the polish is left to do.
const REFINED: f64 = 1e-8;
/// Part of the gross that counts as nothing: some units in the last place of the largest terms.
const VANISHED: f64 = 64.0 * f64::EPSILON;
/// Newton steps and halvings of one refinement, far more than there are digits.
const REFINEMENTS_MAX: usize = 200;
/// Steps of the polish; the second only confirms the first.
const POLISHES_MAX: usize = 5;
/// Intervals one search looks at: a second of work, never reached by flows of this world.
const INTERVALS_MAX: usize = 500_000;

/// The first root in `(from, to]`.
///
/// # Errors
/// [`CashflowError::NotVerified`] if the present value does not vanish at what was found.
pub(in crate::domain::cashflow) fn first_root(
    curve: &impl PresentValue,
    from: f64,
    to: f64,
) -> Result<Option<f64>, CashflowError> {
    if from == 0.0 {
        match curve.root_count() {
            RootCount::None => return Ok(None),
            RootCount::One => return crossing(curve, to),
            RootCount::Unknown => {}
        }
    }
    let mut search = Search { curve, found: Vec::new(), only_first: true, intervals: 0 };
    search.run(from, to)?;
    Ok(search.found.first().copied())
}

/// All roots in `(from, to]`, in order.
///
/// # Errors
/// As [`first_root`].
pub(in crate::domain::cashflow) fn all_roots(
    curve: &impl PresentValue,
    from: f64,
    to: f64,
) -> Result<Vec<f64>, CashflowError> {
    let mut search = Search { curve, found: Vec::new(), only_first: false, intervals: 0 };
    search.run(from, to)?;
    Ok(search.found)
}

/// The logarithm of a leg and its slope.
#[derive(Clone, Copy)]
struct LogLeg {
    log: f64,
    slope: f64,
}

impl LogLeg {
    fn of(leg: Leg) -> Self {
        Self { log: leg.value.ln(), slope: leg.slope / leg.value }
    }
}

/// A point at which the legs are known.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    received: LogLeg,
    paid: LogLeg,
    /// Whether no root can follow: the leg that does not vanish is the larger for good.
    settled: bool,
}

impl Point {
    fn at(curve: &impl PresentValue, x: f64) -> Self {
        let legs = curve.legs(x);
        let lead = curve.undiscounted();
        let other = if lead > 0.0 { legs.paid.value } else { legs.received.value };
        Self {
            x,
            received: LogLeg::of(legs.received),
            paid: LogLeg::of(legs.paid),
            settled: other < lead.abs(),
        }
    }

    /// The logarithm of the ratio of the legs.
    fn height(&self) -> f64 {
        self.received.log - self.paid.log
    }

    fn slope(&self) -> f64 {
        self.received.slope - self.paid.slope
    }

    fn is_positive(&self) -> bool {
        self.height() >= 0.0
    }
}

struct Search<'a, C> {
    curve: &'a C,
    found: Vec<f64>,
    only_first: bool,
    intervals: usize,
}

impl<C: PresentValue> Search<'_, C> {
    /// Goes outward in steps that double, because far out only the first of the flows still count
    /// and everything happens more slowly.
    fn run(&mut self, from: f64, to: f64) -> Result<(), CashflowError> {
        let span = self.curve.span();
        let mut low = Point::at(self.curve, from);
        let mut step = (0.5 / span).max(from * 0.5);
        while low.x < to && !low.settled && !self.is_done() {
            let high = Point::at(self.curve, (low.x + step).min(to));
            self.interval(low, high)?;
            low = high;
            step *= 2.0;
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.only_first && !self.found.is_empty()
    }

    /// Finds the roots between two points, from left to right.
    fn interval(&mut self, low: Point, high: Point) -> Result<(), CashflowError> {
        let mut open = vec![(low, high)];
        while let Some((low, high)) = open.pop() {
            if self.is_done() {
                break;
            }
            self.intervals += 1;
            if self.intervals > INTERVALS_MAX {
                return Err(not_verified(low.x, f64::NAN));
            }
            if keeps_its_sign(&low, &high) {
                continue;
            }
            let differ = low.is_positive() != high.is_positive();
            if is_monotonic(&low, &high) {
                if differ {
                    self.refine(low, high)?;
                }
                continue;
            }
            let middle = 0.5 * (low.x + high.x);
            let narrow = (high.x - low.x) * self.curve.span() <= NARROW;
            if narrow || middle <= low.x || middle >= high.x {
                self.narrow(low, high, differ)?;
                continue;
            }
            let middle = Point::at(self.curve, middle);
            open.push((middle, high));
            open.push((low, middle));
        }
        Ok(())
    }

    /// An interval with one extremum at most.
    fn narrow(&mut self, low: Point, high: Point, differ: bool) -> Result<(), CashflowError> {
        if differ {
            return self.refine(low, high);
        }
        // Only a dip from above and a rise from below come near zero in between.
        let towards_zero = |slope: f64| (slope < 0.0) == low.is_positive();
        if !towards_zero(low.slope()) || towards_zero(high.slope()) {
            return Ok(());
        }
        let (mut left, mut right) = (low, high);
        loop {
            let middle = 0.5 * (left.x + right.x);
            if middle <= left.x || middle >= right.x {
                break;
            }
            let middle = Point::at(self.curve, middle);
            if towards_zero(middle.slope()) {
                left = middle;
            } else {
                right = middle;
            }
        }
        let net = self.curve.net(left.x);
        if net.value.abs() <= VANISHED * net.gross {
            self.record(left.x);
            return Ok(());
        }
        if left.is_positive() != low.is_positive() {
            self.refine(low, left)?;
            if !self.is_done() {
                self.refine(left, high)?;
            }
        }
        Ok(())
    }

    fn refine(&mut self, low: Point, high: Point) -> Result<(), CashflowError> {
        let start = newton(&low);
        let root = converge(self.curve, low, start, high.x, true)?;
        if let Some(root) = root {
            self.record(root);
        }
        Ok(())
    }

    /// Adds a root unless it cannot be told from the one just found, because the present value
    /// vanishes all the way between them: a root of high multiplicity drowns its neighbourhood in
    /// rounding, and a root on the border of two intervals is seen from both.
    fn record(&mut self, root: f64) {
        if let Some(&last) = self.found.last() {
            let between = 0.5 * (last + root);
            if vanishes(&self.curve.net(between), between) {
                return;
            }
        }
        self.found.push(root);
    }
}

/// Whether the bounds prove that the present value does not vanish between two points.
fn keeps_its_sign(low: &Point, high: &Point) -> bool {
    stays_above(low.received, high.received, low.paid, high.paid, high.x - low.x)
        || stays_above(low.paid, high.paid, low.received, high.received, high.x - low.x)
}

/// Whether a leg lies above another over a width: its tangents above the other's chord.
fn stays_above(
    low: LogLeg,
    high: LogLeg,
    other_low: LogLeg,
    other_high: LogLeg,
    width: f64,
) -> bool {
    // Legs that have vanished altogether, and flows of one sign: the ends alone decide, because
    // legs do not cross outside the values they have there.
    if low.log.min(high.log) > other_low.log.max(other_high.log) + MARGIN {
        return true;
    }
    let (at_low, at_high) = (low.log - other_low.log, high.log - other_high.log);
    if !(at_low > MARGIN && at_high > MARGIN && at_low.is_finite() && at_high.is_finite()) {
        return false;
    }
    // Where the tangents meet their maximum is lowest.
    let turn = (high.log - low.log - high.slope * width) / (low.slope - high.slope);
    if !(turn > 0.0 && turn < width) {
        return true;
    }
    let tangent = low.log + low.slope * turn;
    let chord = other_low.log + (other_high.log - other_low.log) * (turn / width);
    tangent - chord > MARGIN
}

/// Whether the ratio of the legs only rises or only falls between two points: the slope of each
/// leg's logarithm rises from its value at the left to its value at the right.
fn is_monotonic(low: &Point, high: &Point) -> bool {
    let least = low.received.slope - high.paid.slope;
    let most = high.received.slope - low.paid.slope;
    least > 0.0 || most < 0.0
}

/// Where the tangent to h at a point vanishes.
fn newton(point: &Point) -> f64 {
    point.x - point.height() / point.slope()
}

/// The only root to the right of zero, where the sign is known to change exactly once.
fn crossing(curve: &impl PresentValue, to: f64) -> Result<Option<f64>, CashflowError> {
    let low = Point::at(curve, 0.0);
    converge(curve, low, newton(&low), to, false)
}

/// Narrows a root down between `low` and `high`, the sign at `high` being opposite (`bracketed`)
/// or not yet known; None if it turns out to be the same there.
fn converge(
    curve: &impl PresentValue,
    low: Point,
    start: f64,
    high: f64,
    mut bracketed: bool,
) -> Result<Option<f64>, CashflowError> {
    let (mut left, mut right) = (low.x, high);
    let target = REFINED / curve.span();
    let mut last_step = f64::INFINITY;
    let mut x = start;
    for _ in 0..REFINEMENTS_MAX {
        if !(x > left && x < right) {
            x = if bracketed { 0.5 * (left + right) } else { outward(left, right, curve.span()) };
        }
        let point = Point::at(curve, x);
        if point.is_positive() == low.is_positive() {
            if x >= right {
                return Ok(None);
            }
            left = x;
        } else {
            (right, bracketed) = (x, true);
        }
        let next = newton(&point);
        let step = (next - x).abs();
        // Half the step before, or the interval is halved instead.
        if step <= target || right - left <= 2.0 * f64::EPSILON * right {
            let start = if next.is_finite() { next.clamp(left, right) } else { x };
            return polish(curve, start, left, right).map(Some);
        }
        x = if step < 0.5 * last_step || !bracketed { next } else { f64::NAN };
        last_step = if x.is_nan() { right - left } else { step };
    }
    Err(not_verified(x, f64::NAN))
}

/// The next point to look at while no opposite sign has been seen: twice as far, up to `right`.
fn outward(left: f64, right: f64, span: f64) -> f64 {
    (2.0 * left).max(0.5 / span).min(right)
}

/// The last digits: Newton's method on the present value itself, summed with care.
fn polish(
    curve: &impl PresentValue,
    start: f64,
    left: f64,
    right: f64,
) -> Result<f64, CashflowError> {
    let mut x = start;
    let mut residual = f64::NAN;
    for _ in 0..POLISHES_MAX {
        let net = curve.net(x);
        let next = (x - net.value / net.slope).clamp(left, right);
        if vanishes(&net, x) {
            return Ok(if next.is_finite() { next } else { x });
        }
        residual = net.value / net.gross;
        if !next.is_finite() {
            break;
        }
        x = next;
    }
    Err(not_verified(x, residual))
}

/// Whether a present value is nothing but the rounding of its terms and of the point it is taken
/// at.
fn vanishes(net: &Net, x: f64) -> bool {
    let of_point = net.slope.abs() * x * 4.0 * f64::EPSILON;
    net.value.abs() <= VANISHED * net.gross + of_point
}

fn not_verified(x: f64, residual: f64) -> CashflowError {
    CashflowError::NotVerified {
        rate: format!("{:e}", x.exp_m1()),
        residual: format!("{residual:e}"),
    }
}
