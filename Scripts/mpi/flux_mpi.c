// The MPI plugin: the few collective operations that training needs, behind names that do not depend on the MPI in use.
// MPI's handles differ between implementations, so that only what its own compiler wrapper compiles fits them.
#include <mpi.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static char message[MPI_MAX_ERROR_STRING + 1];

static const char *outcome(int code) {
  if (code == MPI_SUCCESS) return NULL;
  int length = 0;
  if (MPI_Error_string(code, message, &length) != MPI_SUCCESS) snprintf(message, sizeof message, "MPI error %d", code);
  return message;
}

// Counts are ints in MPI: longer arrays go in parts.
enum { part = 1 << 28 };

static const char *sum(char *values, size_t count, size_t size, MPI_Datatype type) {
  for (size_t done = 0; done < count; done += part) {
    const int now = count - done < part ? (int)(count - done) : part;
    const int code = MPI_Allreduce(MPI_IN_PLACE, values + done * size, now, type, MPI_SUM, MPI_COMM_WORLD);
    if (code != MPI_SUCCESS) return outcome(code);
  }
  return NULL;
}

const char *flux_mpi_start(int *rank, int *count) {
  int provided;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (code == MPI_SUCCESS) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (code == MPI_SUCCESS) code = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (code == MPI_SUCCESS) code = MPI_Comm_size(MPI_COMM_WORLD, count);
  return outcome(code);
}

const char *flux_mpi_sum_floats(float *values, size_t count) {
  return sum((char *)values, count, sizeof *values, MPI_FLOAT);
}

const char *flux_mpi_sum_doubles(double *values, size_t count) {
  return sum((char *)values, count, sizeof *values, MPI_DOUBLE);
}

// Sums that were begun and are not complete.
static MPI_Request *pending;
static int pendingCount, pendingRoom;

const char *flux_mpi_begin_sum(float *values, size_t count) {
  for (size_t done = 0; done < count; done += part) {
    if (pendingCount == pendingRoom) {
      const int room = pendingRoom ? 2 * pendingRoom : 64;
      MPI_Request *larger = realloc(pending, (size_t)room * sizeof *larger);
      if (!larger) return "no memory";
      pending = larger;
      pendingRoom = room;
    }
    const int now = count - done < part ? (int)(count - done) : part;
    const int code = MPI_Iallreduce(MPI_IN_PLACE, values + done, now, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD,
                                    &pending[pendingCount]);
    if (code != MPI_SUCCESS) return outcome(code);
    pendingCount++;
  }
  return NULL;
}

// Messages move only while MPI is called.
const char *flux_mpi_progress(void) {
  int all;
  return pendingCount ? outcome(MPI_Testall(pendingCount, pending, &all, MPI_STATUSES_IGNORE)) : NULL;
}

const char *flux_mpi_end_sums(void) {
  const int code = MPI_Waitall(pendingCount, pending, MPI_STATUSES_IGNORE);
  pendingCount = 0;
  return outcome(code);
}

const char *flux_mpi_broadcast(char *bytes, size_t count, int root) {
  for (size_t done = 0; done < count; done += part) {
    const int now = count - done < part ? (int)(count - done) : part;
    const int code = MPI_Bcast(bytes + done, now, MPI_BYTE, root, MPI_COMM_WORLD);
    if (code != MPI_SUCCESS) return outcome(code);
  }
  return NULL;
}

// `each` bytes of every process; batches are small beside `part`.
const char *flux_mpi_gather(const char *own, char *all, size_t each) {
  if (each > part) return "too much to gather at once";
  return outcome(MPI_Allgather(own, (int)each, MPI_BYTE, all, (int)each, MPI_BYTE, MPI_COMM_WORLD));
}

void flux_mpi_finish(void) {
  int over = 0;
  if (MPI_Finalized(&over) == MPI_SUCCESS && !over) MPI_Finalize();
}

void flux_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
