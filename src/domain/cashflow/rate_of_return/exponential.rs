//! The present value of flows at given times, fast for a thousand of them.
//!
//! Most day counts put every flow at a whole number of days, and `v^d` for d of `64 h + l` days is
//! the product of `v^(64 h)` and `v^l`: a table of 64 powers and one power for each block of 64
//! days replace an exponential for each flow. The block's power is multiplied in once, after its
//! flows have been summed. Times that are not whole, and flows too thinly spread for a table to
//! pay, take an exponential each.

use super::legs::{CarefulSum, Leg, Legs, Net, PresentValue, RootCount};

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
    table: Option<Table>,
    received: Moments,
    paid: Moments,
    total: f64,
    sign_changes: usize,
    /// Changes of sign of the running sum, from the first flow on and from the last flow back.
    cumulative: [usize; 2],
}

/// Sum of the amounts of a leg, and of amounts times times.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    sum: f64,
    weighted: f64,
}

/// The flows of both legs by block of time.
#[derive(Clone, Debug)]
struct Table {
    blocks: Vec<Block>,
    received: Side,
    paid: Side,
}

/// Flows of one leg: place in the block and amount without sign.
#[derive(Clone, Debug, Default)]
struct Side {
    places: Vec<u8>,
    amounts: Vec<f64>,
}

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
    pub fn new(flows: &[(f64, f64)], units_per_year: f64) -> Option<Self> {
        let merged = merge(flows);
        let (first, last) = (merged.first()?.0, merged.last()?.0);
        let times: Vec<f64> = merged.iter().map(|&(time, _)| time - first).collect();
        let amounts: Vec<f64> = merged.iter().map(|&(_, amount)| amount).collect();
        let moments = |sign: f64| {
            let mut moments = Moments::default();
            for (time, amount) in times.iter().zip(&amounts) {
                let amount = (amount * sign).max(0.0);
                moments.sum += amount;
                moments.weighted += amount * time;
            }
            moments
        };
        let (received, paid) = (moments(1.0), moments(-1.0));
        let total: CarefulSum = amounts.iter().copied().collect();
        let changes = |signs: &mut dyn Iterator<Item = f64>| {
            let mut last = 0.0_f64;
            signs.filter(|sign| *sign != 0.0).fold(0, |count, sign| {
                let changed = last * sign < 0.0;
                last = sign.signum();
                count + usize::from(changed)
            })
        };
        let running = |amounts: &mut dyn Iterator<Item = f64>| {
            let mut sum = CarefulSum::default();
            changes(&mut amounts.map(|amount| {
                sum.add(amount);
                sum.total()
            }))
        };
        let cumulative =
            [running(&mut amounts.iter().copied()), running(&mut amounts.iter().rev().copied())];
        let sign_changes = changes(&mut amounts.iter().copied());
        let table = Table::new(&times, &amounts);
        Some(Self {
            origin: first,
            last: last - first,
            times,
            units_per_year,
            table,
            received,
            paid,
            total: total.total(),
            sign_changes,
            cumulative,
            amounts,
        })
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
fn merge(flows: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut merged: Vec<(f64, f64)> = Vec::with_capacity(flows.len());
    for group in flows.chunk_by(|one, next| one.0 == next.0) {
        let amount = match group {
            [(_, amount)] => *amount,
            _ => group.iter().map(|&(_, amount)| amount).collect::<CarefulSum>().total(),
        };
        if let (Some(&(time, _)), true) = (group.first(), amount != 0.0) {
            merged.push((time, amount));
        }
    }
    merged
}

impl Table {
    /// None where the times are not whole or the blocks too many for the flows.
    fn new(times: &[f64], amounts: &[f64]) -> Option<Self> {
        let mut table =
            Self { blocks: Vec::new(), received: Side::default(), paid: Side::default() };
        for (&time, &amount) in times.iter().zip(amounts) {
            let unit = time as u32;
            if f64::from(unit) != time {
                return None;
            }
            let place = unit as usize % BLOCK;
            let start = f64::from(unit) - place as f64;
            if table.blocks.last().is_none_or(|block| block.start != start) {
                table.blocks.push(Block { start, received_end: 0, paid_end: 0 });
            }
            let side = if amount > 0.0 { &mut table.received } else { &mut table.paid };
            side.places.push(place as u8);
            side.amounts.push(amount.abs());
            if let Some(block) = table.blocks.last_mut() {
                block.received_end = table.received.amounts.len();
                block.paid_end = table.paid.amounts.len();
            }
        }
        (BLOCK + table.blocks.len() < times.len()).then_some(table)
    }
}

/// Sum of a block's flows, and of flows times places.
#[derive(Clone, Copy, Default)]
struct BlockSum {
    sum: f64,
    weighted: f64,
}

impl Side {
    fn block(&self, from: usize, to: usize, powers: &[[f64; 2]; BLOCK]) -> BlockSum {
        let places = self.places.get(from..to).unwrap_or_default();
        let amounts = self.amounts.get(from..to).unwrap_or_default();
        let mut total = BlockSum::default();
        for (&place, &amount) in places.iter().zip(amounts) {
            let [power, weighted] = powers[place as usize % BLOCK];
            total.sum += amount * power;
            total.weighted += amount * weighted;
        }
        total
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

    /// Calls `each` with received and paid of every block, as value and time-weighted value.
    fn by_block(&self, table: &Table, per_unit: f64, mut each: impl FnMut([f64; 2], [f64; 2])) {
        let powers = self.powers(per_unit);
        let (mut received_from, mut paid_from) = (0, 0);
        for block in &table.blocks {
            let (weight, distance) = self.weight(block.start, per_unit);
            let received = table.received.block(received_from, block.received_end, &powers);
            let paid = table.paid.block(paid_from, block.paid_end, &powers);
            (received_from, paid_from) = (block.received_end, block.paid_end);
            let time = |sum: BlockSum| {
                let place = if self.backward { -sum.weighted } else { sum.weighted };
                [weight * sum.sum, weight * (distance * sum.sum + place)]
            };
            each(time(received), time(paid));
        }
    }

    /// The table, if it serves at this force of interest per unit of time.
    fn table_at(&self, per_unit: f64) -> Option<&Table> {
        self.flows.table.as_ref().filter(|_| per_unit * BLOCK as f64 <= TABLE_EXPONENT_MAX)
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
        let per_unit = x / flows.units_per_year;
        let (mut received, mut paid) = ([0.0; 2], [0.0; 2]);
        let mut add = |to_received: [f64; 2], to_paid: [f64; 2]| {
            for (total, part) in received.iter_mut().zip(to_received) {
                *total += part;
            }
            for (total, part) in paid.iter_mut().zip(to_paid) {
                *total += part;
            }
        };
        match self.table_at(per_unit) {
            Some(table) => self.by_block(table, per_unit, add),
            None => {
                for (&time, &amount) in flows.times.iter().zip(&flows.amounts) {
                    let (weight, distance) = self.weight(time, per_unit);
                    let value = amount.abs() * weight;
                    let part = [value, value * distance];
                    match amount > 0.0 {
                        true => add(part, [0.0; 2]),
                        false => add([0.0; 2], part),
                    }
                }
            }
        }
        let leg =
            |[value, weighted]: [f64; 2]| Leg { value, slope: -weighted / flows.units_per_year };
        Legs { received: leg(received), paid: leg(paid) }
    }

    fn net(&self, x: f64) -> Net {
        let flows = self.flows;
        let per_unit = x / flows.units_per_year;
        let (mut value, mut weighted, mut gross) = (CarefulSum::default(), 0.0, 0.0);
        let mut add = |received: [f64; 2], paid: [f64; 2]| {
            let ([received, received_weighted], [paid, paid_weighted]) = (received, paid);
            value.add(received - paid);
            gross += received + paid;
            weighted += received_weighted - paid_weighted;
        };
        match self.table_at(per_unit) {
            Some(table) => self.by_block(table, per_unit, add),
            None => {
                for (&time, &amount) in flows.times.iter().zip(&flows.amounts) {
                    let (weight, distance) = self.weight(time, per_unit);
                    let part = [amount.abs() * weight, amount.abs() * weight * distance];
                    match amount > 0.0 {
                        true => add(part, [0.0; 2]),
                        false => add([0.0; 2], part),
                    }
                }
            }
        }
        Net { value: value.total(), slope: -weighted / flows.units_per_year, gross }
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
        let [forward, backward] = self.flows.cumulative;
        match if self.backward { backward } else { forward } {
            0 => RootCount::None,
            1 => RootCount::One,
            _ => RootCount::Unknown,
        }
    }
}
