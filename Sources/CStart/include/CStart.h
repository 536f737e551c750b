// What has to happen before the initializers of the libraries: linking it is enough, there is nothing to call.
#ifndef CSTART_H
#define CSTART_H

#endif
