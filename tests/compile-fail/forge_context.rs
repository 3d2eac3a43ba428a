// SPDX-License-Identifier: GPL-2.0

//! Lending an operation what the gate does not guard.

mod driver;

use driver::Gpu;
use sgdma::*;

struct Data<'bound>(DmaDevice<'bound>);
struct File;

fn f<'bound>(dma: DmaDevice<'bound>, data: Data<'bound>) -> DriverContext<'bound, Gpu> {
    DriverContext((dma, data))
}
