//! What lanes must know before they are used, and what is computed twice while they are.
//!
//! A wrong product would seal a session to nobody. So no path is taken in a process before each of its lanes has given the known
//! answers, and of what is sealed, one pair of products in about [`CHECKED_OF`] is computed again by the portable path.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Factors, Path, PreparedPoint};

impl Path {
    /// The fastest path that gives the known answers; the portable one from the first wrong product on, and in debug builds:
    /// without optimisation each instruction is the call of a function.
    pub(in crate::crypto) fn fastest() -> Self {
        static FASTEST: OnceLock<Path> = OnceLock::new();
        if cfg!(debug_assertions) || wrong_products() > 0 {
            return Self::Portable;
        }
        *FASTEST.get_or_init(|| {
            Self::all().find(|path| path.knows_the_answers()).unwrap_or(Self::Portable)
        })
    }

    /// Whether every lane multiplies eight secrets and eight points rightly, in each of the ways that there are.
    pub(super) fn knows_the_answers(self) -> bool {
        let secrets: [[u8; 32]; 8] =
            [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88].map(|byte| [byte; 32]);
        let (public, shared) = (PUBLIC.map(bytes), SHARED.map(bytes));
        let (secret, point) = (&[0x5a; 32], &bytes(POINT));
        // All at once, and half of them, which is what fits into four lanes.
        self.tells_points()
            && [8, 4].into_iter().all(|count| {
                let all = |numbers: &[[u8; 32]; 8]| {
                    numbers.iter().take(count).copied().collect::<Vec<_>>()
                };
                let (secrets, public, shared) = (all(&secrets), all(&public), all(&shared));
                let points = Factors::OneSecret { secret, points: &public };
                *self.base_point_times(&secrets) == public
                    && *self.multiply(points) == shared
                    && *self.multiply(Factors::OnePoint { secrets: &secrets, point }) == shared
                    && *PreparedPoint::new(self, point, usize::MAX).multiply(&secrets) == shared
            })
    }

    /// Whether every lane tells a point, the base point of Ed25519, from what is none.
    fn tells_points(self) -> bool {
        let (mut point, mut none) = ([0x66; 32], [0; 32]);
        (point[0], none[0]) = (0x58, 2);
        self.are_points(&[point; 8]) == [true; 8] && self.are_points(&[none; 8]) == [false; 8]
    }
}

fn bytes(words: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    bytes
}

/// Whether some of so many products, which are about to be used, have to be computed twice.
pub(super) fn is_check_due(products: usize) -> bool {
    // The first ones of a process are.
    static SINCE: AtomicUsize = AtomicUsize::new(CHECKED_OF);
    let since = SINCE.fetch_add(products, Ordering::Relaxed).saturating_add(products);
    let is_due = since >= CHECKED_OF;
    if is_due {
        SINCE.store(0, Ordering::Relaxed);
    }
    is_due
}

/// Takes down that a product was wrong.
pub(super) fn note_wrong_product() {
    WRONG.fetch_add(1, Ordering::Relaxed);
}

/// How many products turned out wrong in this process.
pub(in crate::crypto) fn wrong_products() -> u64 {
    WRONG.load(Ordering::Relaxed)
}

static WRONG: AtomicU64 = AtomicU64::new(0);

/// Computing a pair twice takes as long as a tenth of sealing so many messages, or less.
pub(super) const CHECKED_OF: usize = 128;

/// The public halves of the secrets.
const PUBLIC: [[u64; 4]; 8] = [
    [0x44fe_7fbe_9b90_4e7b, 0x8e60_7d03_20a2_65c4, 0xf072_f91e_d397_58e3, 0x133f_f7b0_2c89_747f],
    [0xb967_88d2_4e68_aa0f, 0xcef8_5dee_2d6a_4a7f, 0x223f_8e01_b776_4e97, 0x200f_5778_26cf_c4a1],
    [0x31f8_2734_d947_0d7b, 0xd83f_737c_1c78_6011, 0x8a0d_49ef_0a97_889f, 0x141b_8acb_a419_eea0],
    [0x671b_ec01_56e4_2eff, 0xae85_4540_9077_0c31, 0xcff8_c1e1_ee31_7369, 0x6b3e_ff1f_1c73_1924],
    [0xd777_6fd8_4b66_ab38, 0x1329_79e0_9add_6be6, 0x0260_123a_b3d8_4fa9, 0x674c_88f4_c146_4b7e],
    [0xd268_a90d_804d_9e21, 0x74f4_84c7_09b0_fca5, 0x4448_eeb9_ed38_716c, 0x24f4_5cb0_30e8_39b7],
    [0xba10_5aa4_ab79_f51c, 0xaaa2_fc91_6df0_1e1d, 0x3165_1505_15a1_d09e, 0x679a_cb18_0b5d_4055],
    [0xb3ce_8fa4_65c8_d330, 0x225f_2ecf_7785_11d6, 0x5747_2666_98f6_6f8d, 0x6a80_a4b7_3c25_5b78],
];

/// The products of each of the secrets with the point, and of the secret with each of the public halves.
const SHARED: [[u64; 4]; 8] = [
    [0xb28a_76cd_6daa_884a, 0xc2ff_4d58_85fb_5486, 0x0755_35af_d1a6_ff76, 0x0b67_8b7d_89fc_e45b],
    [0xa2b0_1303_35d4_dd42, 0xc757_7d4f_1991_6be2, 0x43b9_5e85_5d18_ace9, 0x20d5_587a_a319_d870],
    [0x9034_2297_d7b3_2a4a, 0x9e0e_3511_e101_35d2, 0xe8ff_7100_0b65_2545, 0x413c_62bd_3455_6c84],
    [0x3dac_2bb0_28ba_069e, 0x834f_ed79_5606_0a5b, 0xf6f9_1630_2bb7_2f1f, 0x0ba7_dd6d_0a5d_0f64],
    [0xb0ea_b342_8f1e_f076, 0x692b_0bf8_5476_86a8, 0x1145_a397_f033_7b2e, 0x1b98_aabc_2719_1d29],
    [0x2c23_9b2b_8dda_8e10, 0x2103_f762_1084_f3a1, 0x9768_5af6_f352_873e, 0x4a9d_e567_91fe_d90e],
    [0x9f9b_a9ee_9c9f_84d3, 0xab4a_ceab_b898_d7a3, 0x16de_9cfe_a6f3_b11e, 0x6563_98db_4b1b_7b56],
    [0xb6e6_24c7_d44d_1254, 0x5738_2549_51ba_6510, 0x634c_d2a5_bb54_a421, 0x2f19_cf72_16ff_eac2],
];

/// The public half of the secret of 32 times 0x5a.
const POINT: [u64; 4] =
    [0x8133_68b4_358f_d0b0, 0x1559_5e82_32fb_9a48, 0xd650_e0c9_9bd1_472d, 0x2c1e_9d4c_9854_a9d5];
