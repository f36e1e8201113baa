//! The present value of flows at given times, fast for a thousand of them.
//!
//! Most day counts put every flow at a whole number of days, and `v^d` for d of `64 h + l` days is
//! the product of `v^(64 h)` and `v^l`: a table of 64 powers and one power for each block of 64
//! days replace an exponential for each flow. The block's power is multiplied in once, after its
//! flows have been summed. Times that are not whole, and flows too thinly spread for a table to
//! pay, take an exponential each.

use super::legs::{CarefulSum, Leg, Legs, Net, PresentValue, RootCount};
use crate::domain::cashflow::CashflowError;

/// Units of time in a block.
const BLOCK: usize = 64;
/// Largest exponent of a power in the table; beyond it each flow takes its own exponential.
const TABLE_EXPONENT_MAX: f64 = 600.0;
/// Part of the gross below which a sum counts as zero: the rounding of the amounts themselves.
const NOTHING: f64 = f64::EPSILON;

/// Flows in order of time, one for each time, none of them zero.
#[derive(Clone, Debug)]
pub(in crate::domain::cashflow) struct Flows {
    /// Time of each flow in units, counted from the first.
    times: Vec<f64>,
    amounts: Vec<f64>,
    units_per_year: f64,
    /// Time of the first flow as it was given, which counts as zero here.
    origin: f64,
    /// Time of the last flow.
    last: f64,
    /// Flows by block of time, where a table of powers serves them.
    table: Option<Table>,
    received: Moments,
    paid: Moments,
    total: f64,
    sign_changes: usize,
    /// Changes of sign of the sum of the first flows, from the first flow on.
    running_changes: usize,
}

/// Sum of the amounts of a leg, and of amounts times times.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    sum: f64,
    weighted: f64,
}

impl Moments {
    fn add(&mut self, amount: f64, time: f64) {
        self.sum += amount;
        self.weighted += amount * time;
    }
}

/// Counts changes of sign in a sequence, zeros left out.
#[derive(Clone, Copy, Debug, Default)]
struct SignChanges {
    last: f64,
    count: usize,
}

impl SignChanges {
    fn see(&mut self, value: f64) {
        self.count += usize::from(self.last * value < 0.0);
        if value != 0.0 {
            // Its sign alone, lest the next product underflow.
            self.last = value.signum();
        }
    }
}

/// The flows of both legs by block of time.
#[derive(Clone, Debug)]
struct Table {
    blocks: Vec<Block>,
    received: Side,
    paid: Side,
}

/// Flows of one leg: place in the block and amount without sign.
#[derive(Clone, Debug)]
struct Side {
    places: Vec<u8>,
    amounts: Vec<f64>,
}

/// Flows within 64 units of time.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// First unit of the block.
    start: f64,
    /// Ends of the block's flows in each leg; they begin where those of the block before end.
    received_end: usize,
    paid_end: usize,
}

impl Flows {
    /// Flows at `times`, in order, counted in units of which `units_per_year` make a year. Flows
    /// at the same time are summed and what cancels is dropped. None if nothing is left.
    ///
    /// # Errors
    /// [`CashflowError::OutOfRange`] for amounts whose sums no double holds.
    pub fn new(
        flows: impl IntoIterator<Item = (f64, f64)>,
        units_per_year: f64,
    ) -> Result<Option<Self>, CashflowError> {
        let (times, amounts) = merge(flows);
        let (Some(&origin), Some(&last)) = (times.first(), times.last()) else { return Ok(None) };
        let mut flows = Self {
            times,
            amounts,
            units_per_year,
            origin,
            last: last - origin,
            table: None,
            received: Moments::default(),
            paid: Moments::default(),
            total: 0.0,
            sign_changes: 0,
            running_changes: 0,
        };
        let (mut changes, mut running_changes) = (SignChanges::default(), SignChanges::default());
        let mut running = CarefulSum::default();
        for (time, &amount) in flows.times.iter_mut().zip(&flows.amounts) {
            *time -= origin;
            flows.received.add(amount.max(0.0), *time);
            flows.paid.add((-amount).max(0.0), *time);
            running.add(amount);
            changes.see(amount);
            running_changes.see(running.total());
        }
        flows.total = running.total();
        let moments = flows.received.weighted + flows.paid.weighted;
        if !(flows.total.is_finite() && moments.is_finite()) {
            return Err(CashflowError::OutOfRange { what: "the sum of the cash flows" });
        }
        flows.sign_changes = changes.count;
        flows.running_changes = running_changes.count;
        flows.table = Table::new(&flows.times, &flows.amounts);
        Ok(Some(flows))
    }

    /// Changes of sign of the sum of the last flows, from the last flow back.
    fn running_changes_backward(&self) -> usize {
        let (mut changes, mut running) = (SignChanges::default(), CarefulSum::default());
        for &amount in self.amounts.iter().rev() {
            running.add(amount);
            changes.see(running.total());
        }
        changes.count
    }

    /// Changes of sign from one flow to the next.
    pub fn sign_changes(&self) -> usize {
        self.sign_changes
    }

    /// The sum of all flows without discount; zero if it is no more than the rounding of amounts.
    pub fn total(&self) -> f64 {
        let gross = self.received.sum + self.paid.sum;
        if self.total.abs() <= NOTHING * gross { 0.0 } else { self.total }
    }

    /// Years from the first flow to the last.
    pub fn years(&self) -> f64 {
        self.last / self.units_per_year
    }

    /// Years from time zero, as the times were given, to the first flow.
    pub fn delay(&self) -> f64 {
        self.origin / self.units_per_year
    }

    /// The present value at rates above zero: `x = ln(1 + r)`, discounted to the first flow.
    pub fn discounted(&self) -> View<'_> {
        View { flows: self, backward: false }
    }

    /// The value at rates below zero: `x = -ln(1 + r)`, brought forward to the last flow, which
    /// counts time from the last flow back and so has the same form as a discounted value.
    pub fn brought_forward(&self) -> View<'_> {
        View { flows: self, backward: true }
    }

    /// Sum of `amount * e^(-force * time)` and its derivative with respect to the force, for a
    /// force of interest of any sign per year; infinite where the value is.
    pub fn value_at(&self, force: f64) -> (f64, f64) {
        let (view, x) = match force < 0.0 {
            false => (self.discounted(), force),
            true => (self.brought_forward(), -force),
        };
        let net = view.net(x);
        if !view.backward {
            return (net.value, net.slope);
        }
        // V(force) = e^(T x) B(x) with x = -force.
        let growth = (self.years() * x).exp();
        (net.value * growth, -growth * (net.slope + self.years() * net.value))
    }
}

/// Sums flows at the same time and drops those that come to nothing.
fn merge(flows: impl IntoIterator<Item = (f64, f64)>) -> (Vec<f64>, Vec<f64>) {
    let flows = flows.into_iter();
    let count = flows.size_hint().0;
    let (mut times, mut amounts) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (mut time, mut sum) = (f64::NEG_INFINITY, CarefulSum::default());
    for (next, amount) in flows.chain([(f64::INFINITY, 0.0)]) {
        if next != time {
            let total = sum.total();
            if total != 0.0 {
                times.push(time);
                amounts.push(total);
            }
            (time, sum) = (next, CarefulSum::default());
        }
        sum.add(amount);
    }
    (times, amounts)
}

impl Table {
    /// None where times are not whole or the blocks are too many for a table to pay.
    fn new(times: &[f64], amounts: &[f64]) -> Option<Self> {
        let mut table = Self {
            blocks: Vec::new(),
            received: Side::with_capacity(times.len()),
            paid: Side::with_capacity(times.len()),
        };
        let mut start = f64::NAN;
        for (&time, &amount) in times.iter().zip(amounts) {
            let unit = time as u32;
            if f64::from(unit) != time {
                return None;
            }
            let place = unit % BLOCK as u32;
            if f64::from(unit - place) != start {
                table.close_block();
                start = f64::from(unit - place);
                table.blocks.push(Block { start, received_end: 0, paid_end: 0 });
            }
            let side = if amount > 0.0 { &mut table.received } else { &mut table.paid };
            side.places.push(place as u8);
            side.amounts.push(amount.abs());
        }
        table.close_block();
        (BLOCK + table.blocks.len() < times.len()).then_some(table)
    }

    /// Marks the flows up to here as those of the last block.
    fn close_block(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.received_end = self.received.amounts.len();
            block.paid_end = self.paid.amounts.len();
        }
    }
}

impl Side {
    fn with_capacity(count: usize) -> Self {
        Self { places: Vec::with_capacity(count), amounts: Vec::with_capacity(count) }
    }

    /// The flows from one index to another, weighted by their places in the block.
    fn sum(&self, from: usize, to: usize, powers: &[[f64; 2]; BLOCK]) -> LegSum {
        let places = self.places.get(from..to).unwrap_or_default();
        let amounts = self.amounts.get(from..to).unwrap_or_default();
        let mut sum = LegSum::default();
        for (&place, &amount) in places.iter().zip(amounts) {
            let [power, placed] = powers[place as usize % BLOCK];
            sum.add(amount * power, amount * placed);
        }
        sum
    }
}

/// Sums over the flows of one leg: of values, and of values times times.
#[derive(Clone, Copy, Default)]
struct LegSum {
    value: f64,
    weighted: f64,
}

impl LegSum {
    fn add(&mut self, value: f64, weighted: f64) {
        self.value += value;
        self.weighted += weighted;
    }

    fn leg(self, units_per_year: f64) -> Leg {
        Leg { value: self.value, slope: -self.weighted / units_per_year }
    }
}

/// The flows seen from the first or from the last of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain::cashflow) struct View<'a> {
    flows: &'a Flows,
    backward: bool,
}

impl View<'_> {
    /// The weight of a time and the time itself as it is counted from here, in units.
    fn weight(&self, time: f64, per_unit: f64) -> (f64, f64) {
        let distance = if self.backward { self.flows.last - time } else { time };
        ((-per_unit * distance).exp(), distance)
    }

    /// The powers for the places of a block, and the powers times the places.
    fn powers(&self, per_unit: f64) -> [[f64; 2]; BLOCK] {
        let sign = if self.backward { per_unit } else { -per_unit };
        let mut powers = [[0.0; 2]; BLOCK];
        for (place, power) in powers.iter_mut().enumerate() {
            let place = place as f64;
            let value = (sign * place).exp();
            *power = [value, value * place];
        }
        powers
    }

    /// Calls `each` with what is received and paid in each block, or by each flow where the table
    /// does not serve, because there is none or the force of interest is too large for it.
    fn sums(&self, per_unit: f64, mut each: impl FnMut(LegSum, LegSum)) {
        let flows = self.flows;
        match &flows.table {
            Some(table) if per_unit * BLOCK as f64 <= TABLE_EXPONENT_MAX => {
                let powers = self.powers(per_unit);
                let (mut received, mut paid) = (0, 0);
                for block in &table.blocks {
                    let (weight, distance) = self.weight(block.start, per_unit);
                    let placed = |sum: LegSum| {
                        let place = if self.backward { -sum.weighted } else { sum.weighted };
                        let weighted = weight * (distance * sum.value + place);
                        LegSum { value: weight * sum.value, weighted }
                    };
                    each(
                        placed(table.received.sum(received, block.received_end, &powers)),
                        placed(table.paid.sum(paid, block.paid_end, &powers)),
                    );
                    (received, paid) = (block.received_end, block.paid_end);
                }
            }
            _ => {
                for (&time, &amount) in flows.times.iter().zip(&flows.amounts) {
                    let (weight, distance) = self.weight(time, per_unit);
                    let value = amount.abs() * weight;
                    let sum = LegSum { value, weighted: value * distance };
                    match amount > 0.0 {
                        true => each(sum, LegSum::default()),
                        false => each(LegSum::default(), sum),
                    }
                }
            }
        }
    }

    fn moments(&self, moments: Moments) -> Leg {
        let weighted = match self.backward {
            false => moments.weighted,
            true => self.flows.last * moments.sum - moments.weighted,
        };
        Leg { value: moments.sum, slope: -weighted / self.flows.units_per_year }
    }
}

impl PresentValue for View<'_> {
    fn legs(&self, x: f64) -> Legs {
        let flows = self.flows;
        if x == 0.0 {
            return Legs { received: self.moments(flows.received), paid: self.moments(flows.paid) };
        }
        let (mut received, mut paid) = (LegSum::default(), LegSum::default());
        self.sums(x / flows.units_per_year, |to_received, to_paid| {
            received.add(to_received.value, to_received.weighted);
            paid.add(to_paid.value, to_paid.weighted);
        });
        let per_year = flows.units_per_year;
        Legs { received: received.leg(per_year), paid: paid.leg(per_year) }
    }

    fn net(&self, x: f64) -> Net {
        let per_year = self.flows.units_per_year;
        let (mut value, mut weighted, mut gross) = (CarefulSum::default(), 0.0, 0.0);
        self.sums(x / per_year, |received, paid| {
            value.add(received.value - paid.value);
            weighted += received.weighted - paid.weighted;
            gross += received.value + paid.value;
        });
        Net { value: value.total(), slope: -weighted / per_year, gross }
    }

    fn span(&self) -> f64 {
        // Flows of a single day have no root, and any span will do.
        if self.flows.last > 0.0 { self.flows.years() } else { 1.0 }
    }

    fn undiscounted(&self) -> f64 {
        let end =
            if self.backward { self.flows.amounts.last() } else { self.flows.amounts.first() };
        end.copied().unwrap_or_default()
    }

    /// The present value is x times the Laplace transform of the running sum of the flows, which
    /// has no more positive roots than the running sum has changes of sign (E. Laguerre, Sur la
    /// théorie des équations numériques, 1883; for rates of return C. J. Norstrøm, A sufficient
    /// condition for a unique nonnegative internal rate of return, JFQA 7, 1972).
    fn root_count(&self) -> RootCount {
        let changes = match self.backward {
            true => self.flows.running_changes_backward(),
            false => self.flows.running_changes,
        };
        match changes {
            0 => RootCount::None,
            1 => RootCount::One,
            _ => RootCount::Unknown,
        }
    }
}
