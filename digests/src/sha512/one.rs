//! One stream alone. What a block adds in each round does not depend on the state, so that the lanes prepare it for
//! several blocks of the stream at once, and only the rounds themselves go one after the other. The next blocks are
//! prepared between the rounds of these: a processor has room for both at the same time, 528 MiB/s become 563.

use pulp::NullaryFnOnce;

use super::unit::{Unit, next_word};
use super::{Block, CONSTANTS, ROUNDS, State};

pub(super) struct One<'a, U, const L: usize> {
    pub unit: U,
    pub state: &'a mut State,
    pub blocks: &'a [Block],
}

/// What each round adds, word and constant, for a block in each lane.
type Sums<const L: usize> = [[u64; L]; ROUNDS];

/// Rounds that [`super::eight_rounds`] does at once.
const STEP: usize = 8;

impl<U: Unit<L>, const L: usize> NullaryFnOnce for One<'_, U, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { unit, state, blocks } = self;
        let (mut sums, mut following) = (&mut [[0; L]; ROUNDS], &mut [[0; L]; ROUNDS]);
        let mut groups = blocks.chunks(L).map(Group::<L>::new).peekable();
        let mut schedule = Schedule { unit, words: [unit.everywhere(0); ROUNDS] };
        if let Some(first) = groups.peek() {
            (0..ROUNDS).for_each(|round| schedule.prepare(first, sums, round));
        }
        while let Some(group) = groups.next() {
            let Some(next) = groups.peek() else {
                (0..group.count).for_each(|lane| compress(state, sums, lane, |_| {}));
                break;
            };
            // The rounds of one block take along as many of the next group as it has, divided by the lanes.
            let share = STEP / L;
            for lane in 0..L {
                compress(state, sums, lane, |step| {
                    let first = (lane * (ROUNDS / STEP) + step) * share;
                    (first..first + share).for_each(|round| schedule.prepare(next, following, round));
                });
            }
            (sums, following) = (following, sums);
        }
    }
}

/// A block for each lane. The last group of a run may have less: it repeats its first, and nobody looks at what comes
/// of that.
struct Group<'a, const L: usize> {
    lanes: [&'a Block; L],
    count: usize,
}

impl<'a, const L: usize> Group<'a, L> {
    #[inline(always)]
    fn new(blocks: &'a [Block]) -> Self {
        let lanes = std::array::from_fn(|lane| blocks.get(lane).unwrap_or(&blocks[0]));
        Self { lanes, count: blocks.len() }
    }
}

struct Schedule<U: Unit<L>, const L: usize> {
    unit: U,
    words: [U::Word; ROUNDS],
}

impl<U: Unit<L>, const L: usize> Schedule<U, L> {
    /// The rounds of a group in their order.
    #[inline(always)]
    fn prepare(&mut self, group: &Group<'_, L>, sums: &mut Sums<L>, round: usize) {
        let Self { unit, words } = self;
        let word = if round < 16 {
            let lanes = group.lanes.map(|block| u64::from_ne_bytes(block.as_chunks().0[round]));
            unit.swap_bytes(unit.join(lanes))
        } else {
            next_word(*unit, words[round - 16], words[round - 15], words[round - 7], words[round - 2])
        };
        words[round] = word;
        sums[round] = unit.split(unit.add(word, unit.everywhere(CONSTANTS[round])));
    }
}

/// `between` is called after each eight rounds with their number.
#[inline(always)]
fn compress<const L: usize>(state: &mut State, sums: &Sums<L>, lane: usize, mut between: impl FnMut(usize)) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (step, sums) in sums.as_chunks::<STEP>().0.iter().enumerate() {
        macro_rules! step {
            ($a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident, $i:expr) => {
                let turned = $e.rotate_right(14) ^ $e.rotate_right(18) ^ $e.rotate_right(41);
                let chosen = ($e & $f) ^ (!$e & $g);
                let first = $h.wrapping_add(sums[$i][lane]).wrapping_add(chosen).wrapping_add(turned);
                let turned = $a.rotate_right(28) ^ $a.rotate_right(34) ^ $a.rotate_right(39);
                let majority = (($a ^ $b) & ($b ^ $c)) ^ $b;
                $d = $d.wrapping_add(first);
                $h = first.wrapping_add(turned).wrapping_add(majority);
            };
        }
        super::eight_rounds!(step, a, b, c, d, e, f, g, h, 0);
        between(step);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *sum = sum.wrapping_add(word);
    }
}
