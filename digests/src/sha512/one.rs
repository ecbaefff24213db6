//! One stream alone. What a block adds in each round does not depend on the state, so that the lanes compute it for
//! several blocks of the stream at once, and only the rounds themselves go one after the other.

use pulp::NullaryFnOnce;

use super::unit::{Unit, schedule};
use super::{Block, CONSTANTS, ROUNDS, State, transpose};

pub(super) struct One<'a, U, const L: usize> {
    pub unit: U,
    pub state: &'a mut State,
    pub blocks: &'a [Block],
}

impl<U: Unit<L>, const L: usize> NullaryFnOnce for One<'_, U, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { unit, state, blocks } = self;
        let mut sums = [[0_u64; L]; ROUNDS];
        for group in blocks.chunks(L) {
            // A group that is not full repeats its first block, and nobody looks at what comes of it.
            let first = &group[0];
            schedule_all(unit, std::array::from_fn(|lane| group.get(lane).unwrap_or(first)), &mut sums);
            for lane in 0..group.len() {
                compress(state, &sums, lane);
            }
        }
    }
}

/// What each round adds, word and constant, for a block in each lane.
#[inline(always)]
fn schedule_all<U: Unit<L>, const L: usize>(unit: U, blocks: [&Block; L], sums: &mut [[u64; L]; ROUNDS]) {
    let mut words = transpose(unit, blocks);
    let constants = CONSTANTS.as_chunks::<16>().0;
    for (sixteenth, (sums, constants)) in sums.as_chunks_mut::<16>().0.iter_mut().zip(constants).enumerate() {
        if sixteenth > 0 {
            schedule(unit, &mut words);
        }
        for ((sum, word), constant) in sums.iter_mut().zip(words).zip(constants) {
            *sum = unit.split(unit.add(word, unit.everywhere(*constant)));
        }
    }
}

#[inline(always)]
fn compress<const L: usize>(state: &mut State, sums: &[[u64; L]; ROUNDS], lane: usize) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for sums in sums.as_chunks::<8>().0 {
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
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *sum = sum.wrapping_add(word);
    }
}
