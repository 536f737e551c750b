// The functions that CTorch.h and CInference.h declare: linking it is enough. A program that is not linked with it loads the
// library FluxTorch at the first call.
#ifndef CTORCHSHIM_H
#define CTORCHSHIM_H

#endif
